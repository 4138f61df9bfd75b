"""COMPRESS.

Source: RFC 4978.
"""

from pabal.imap.commands.context import Context
from pabal.imap.commands.refusal import RefusedError, bad
from pabal.imap.deflate import DeflateStream
from pabal.imap.wire.login import Compress
from pabal.imap.wire.response import Tagged


async def run(context: Context, command: Compress) -> Tagged:
    """Agree to compress; it begins behind the tagged response."""
    if command.mechanism != b"DEFLATE":
        raise bad("DEFLATE is the only mechanism")
    if isinstance(context.stream, DeflateStream):
        # RFC 4978 §3: the text says which layer compresses.
        raise RefusedError("COMPRESS has DEFLATE active", b"COMPRESSIONACTIVE")
    return Tagged(b"DEFLATE active")


async def after(context: Context) -> None:
    """Begin to compress; what came with the command is no part of it."""
    context.session.forget()
    context.stream = DeflateStream(context.stream, context.services.pause)
