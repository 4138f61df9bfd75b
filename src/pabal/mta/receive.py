"""Mail from other servers: who may send what to whom."""
