def lint(*a): return []
class Finding: pass
