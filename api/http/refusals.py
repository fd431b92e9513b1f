"""What the server refuses before or while the application reads a request.

Free of Flask: gunicorn loads the server before its processes are patched. The application answers a refusal as it
answers any error (api/app.py, api/http/problems.py).
"""

from __future__ import annotations

from models.messages import Message, MessageError

# Under this name the server hands the application a refusal, in the environment of a request without content.
REFUSAL = "ganforge.refusal"


class RefusalError(MessageError):
    """The server cannot take a request. `code` is that of the problem; `retry_after` is in seconds."""

    def __init__(self, code: str, message: Message, *, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.retry_after = retry_after
