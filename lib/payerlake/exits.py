"""How a command ends: its exit code, and one message on standard error where it fails."""

from __future__ import annotations

import signal
import time
import traceback
from collections.abc import Callable
from types import FrameType

import click

from payerlake.databases.address import masked
from payerlake.engine.session import log_path
from payerlake.errors import BadInput, EngineFailed, PayerlakeError, cause


class _Terminated(BaseException):
    """SIGTERM, as a container, a cluster manager or a shutdown sends it: whoever cleans up after Ctrl-C does here."""


def end_in_order_when_terminated() -> None:
    """From now on SIGTERM does what Ctrl-C does."""
    signal.signal(signal.SIGTERM, _terminate)


def code_of(command: Callable[[], object], name: str) -> int:
    """Run the command; its exit code. Every failure is one message on standard error."""
    try:
        command()
    except click.exceptions.NoArgsIsHelpError as no_arguments:
        click.echo(no_arguments.format_message())
        return 0
    # The engine's errors are many; none may show a traceback to the user.
    except (Exception, KeyboardInterrupt, _Terminated) as error:
        message, code = _told(error, name)
        click.echo(f"payerlake: {masked(message)}", err=True)
        return code
    return 0


def _told(error: BaseException, command: str) -> tuple[str, int]:
    """What the user is told of the error, and the exit code."""
    if interrupt := _interrupt(error):
        word, code = ("terminated", 143) if isinstance(interrupt, _Terminated) else ("interrupted", 130)
        return f"{word}; nothing is half-published", code
    if isinstance(error, click.ClickException):
        return f"{error.format_message()} Try '{_command_of(error)} --help'.", BadInput.exit_code
    if isinstance(error, PayerlakeError):
        return f"{error}{_logged(error) if _is_of_others(error) else ''}", error.exit_code
    return f"{command}: {cause(error)}{_logged(error)}", EngineFailed.exit_code


def _command_of(error: click.ClickException) -> str:
    """The command whose help says what was missed, as far as it was understood."""
    context = getattr(error, "ctx", None)
    return context.command_path if context else "payerlake"


def _interrupt(error: BaseException | None) -> BaseException | None:
    """What ended the command from outside, also where clearing up failed after it: Java may have been ended first."""
    while error is not None and not isinstance(error, (KeyboardInterrupt, click.Abort, _Terminated)):
        error = error.__context__
    return error


def _terminate(number: int, frame: FrameType | None) -> None:
    """What Ctrl-C does, where Spark stops its jobs before anything is cleaned up; then the word for this signal."""
    signal.signal(number, signal.SIG_IGN)  # said once; a second time must not end the cleaning
    interrupt = signal.getsignal(signal.SIGINT)
    try:
        if callable(interrupt):
            interrupt(number, frame)
    finally:
        raise _Terminated


def _is_of_others(error: PayerlakeError) -> bool:
    """Whether the engine failed for a cause that is not told in full yet, nor the log named that has it."""
    return isinstance(error, EngineFailed) and error.__cause__ is not None and str(log_path()) not in str(error)


def _logged(error: BaseException) -> str:
    """Where the whole of the error can be read, after it was written there."""
    try:
        path = log_path()
        with path.open("a", encoding="utf-8", errors="backslashreplace") as log:
            log.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')}\n{masked(''.join(traceback.format_exception(error)))}\n")
    except (OSError, BadInput) as unwritten:
        return f"; no log has the rest ({cause(unwritten)}): set PAYERLAKE_LOG to a file that can be written"
    return f"; the log has the rest: {path}"
