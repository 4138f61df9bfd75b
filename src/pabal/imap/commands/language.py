"""LANGUAGE.

Source: RFC 5255 §3.2.
"""

from pabal.imap.commands import namespace, places
from pabal.imap.commands.context import Context
from pabal.imap.commands.refusal import RefusedError
from pabal.imap.language import LANGUAGES, find
from pabal.imap.wire.login import Languages
from pabal.imap.wire.response import Tagged


async def run(context: Context, command: Languages) -> Tagged:
    """List the languages, or speak one of them from now on."""
    if not command.ranges:
        tags = b" ".join(language.tag for language in LANGUAGES)
        context.send(b"* LANGUAGE (%b)\r\n" % tags)
        return Tagged(b"Languages listed")
    language = find(command.ranges)
    if language is None:
        raise RefusedError("None of these languages")
    context.language = language
    context.send(b"* LANGUAGE (%b)\r\n" % language.tag)
    if context.account is not None and places.is_shared(context):
        # RFC 5255 §3.2: what is called otherwise now.
        context.send(namespace.response(context))
    return Tagged(b"Language changed")
