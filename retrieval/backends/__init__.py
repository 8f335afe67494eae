"""Index engines: exact search over arrays is the embedded one."""
