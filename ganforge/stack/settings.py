"""Settings of the local stack, read from the environment once, when a command starts."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ganforge.errors import StackError
from ganforge.stack.ports import LOOPBACK, is_free

DEFAULT_HOME = ".ganforge"
DEFAULT_PORT = 8000
TRIED_PORTS = 100


@dataclass(frozen=True)
class StackSettings:
    """`port` is None unless GANFORGE_PORT is set; only then is a taken port an error."""

    home: Path
    host: str
    port: int | None
    queues: str | None
    data_roots: str

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> StackSettings:
        """Return the settings.

        Raises:
            StackError: GANFORGE_PORT is not a port.
        """
        port = environment.get("GANFORGE_PORT") or None
        if port is not None and not (re.fullmatch("[0-9]{1,5}", port) and 1 <= int(port) <= 65535):
            raise StackError(f"GANFORGE_PORT is {port!r}; it must be a number from 1 to 65535")
        roots = (part for part in environment.get("GANFORGE_DATA_ROOTS", "").split(os.pathsep) if part)
        return cls(
            home=Path(environment.get("GANFORGE_HOME") or DEFAULT_HOME),
            host=environment.get("GANFORGE_HOST") or LOOPBACK,
            port=int(port) if port else None,
            queues=environment.get("GANFORGE_QUEUES") or None,
            data_roots=os.pathsep.join(str(Path(part).expanduser().absolute()) for part in roots),
        )

    def choose_port(self) -> int:
        """Return the port for the API: the chosen one, or the first free one from 8000 on.

        Raises:
            StackError: the chosen port is taken, or none is free.
        """
        if self.port is not None:
            if not is_free(self.port, self.host):
                raise StackError(
                    f"GANFORGE_PORT {self.port} is taken by another program; stop that, choose another port, or unset "
                    "GANFORGE_PORT to take the next free one"
                )
            return self.port
        for port in range(DEFAULT_PORT, DEFAULT_PORT + TRIED_PORTS):
            if is_free(port, self.host):
                return port
        raise StackError(f"no port from {DEFAULT_PORT} to {DEFAULT_PORT + TRIED_PORTS - 1} is free; set GANFORGE_PORT")
