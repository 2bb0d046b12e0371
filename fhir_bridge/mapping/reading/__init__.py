"""Reads the nodes of a mapping file into its model, gathering every problem."""
