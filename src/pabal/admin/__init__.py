"""What an administrator can do: operations on ports."""
