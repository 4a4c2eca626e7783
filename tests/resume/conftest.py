import pytest

pytest.register_assert_rewrite("resume.same")  # so that its assertions show what differs
