"""Mapping files: read, checked and compiled once into pure functions, there and back."""
