import pytest

pytest.register_assert_rewrite("resume.runs")  # so that its assertions show what differs
