"""What a controlled event loop refuses to do."""

from __future__ import annotations

import asyncio
from typing import Any, NoReturn


def _refuse(self: object, *args: object, **options: object) -> NoReturn:
    raise NotImplementedError("a controlled event loop does no I/O; give the scenario a fake instead")


class NoInputOutput(asyncio.AbstractEventLoop):
    """An event loop's methods for files, sockets, processes and signals, each refused."""

    add_reader: Any = _refuse
    add_signal_handler: Any = _refuse
    add_writer: Any = _refuse
    connect_accepted_socket: Any = _refuse
    connect_read_pipe: Any = _refuse
    connect_write_pipe: Any = _refuse
    create_connection: Any = _refuse
    create_datagram_endpoint: Any = _refuse
    create_server: Any = _refuse
    create_unix_connection: Any = _refuse
    create_unix_server: Any = _refuse
    getaddrinfo: Any = _refuse
    getnameinfo: Any = _refuse
    remove_reader: Any = _refuse
    remove_signal_handler: Any = _refuse
    remove_writer: Any = _refuse
    sendfile: Any = _refuse
    sock_accept: Any = _refuse
    sock_connect: Any = _refuse
    sock_recv: Any = _refuse
    sock_recv_into: Any = _refuse
    sock_recvfrom: Any = _refuse
    sock_recvfrom_into: Any = _refuse
    sock_sendall: Any = _refuse
    sock_sendfile: Any = _refuse
    sock_sendto: Any = _refuse
    start_tls: Any = _refuse
    subprocess_exec: Any = _refuse
    subprocess_shell: Any = _refuse
