"""The views of Generate, a module each, in the order of the work."""
