"""Room 1, contracts: values and data files. Imports no other room."""
