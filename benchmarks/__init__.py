"""Benchmarks of gostitch; ``python -m benchmarks`` runs them (see ``__main__``)."""
