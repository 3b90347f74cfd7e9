"""Peach from a notebook. The functions are in ``pipe_algorithms_lib.task_helpers``."""
