"""Benchmarks: each figure beside a ceiling that was measured in the same run."""
