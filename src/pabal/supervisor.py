"""The parent process: sockets, privileges, one process a role, restarts."""
