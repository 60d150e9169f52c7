"""Reporting quality of units: complete, in time, never returned, without conflicts."""
