"""The named networks: a list, and a diagram of one."""
