"""Records what a real client and a real server say to each other: python3 capture.py > session.json

The client's own read and write of a frame are wrapped, in this process only; the server is a
process of its own. Each message is [connection, direction, hex of the body]; connections count
from 0.
"""
import json
import queue
import sys
from multiprocessing import connection, managers

messages = []
numbers = {}


def record(conn, direction, body):
    number = numbers.setdefault(conn, len(numbers))
    messages.append([number, direction, bytes(body).hex()])


def wrap():
    send, receive = connection.Connection._send_bytes, connection.Connection._recv_bytes

    def recording_send(self, body):
        record(self, "client", body)
        send(self, body)

    def recording_receive(self, maxsize=None):
        buffer = receive(self, maxsize)
        if buffer is not None:
            record(self, "server", buffer.getvalue())
        return buffer

    connection.Connection._send_bytes = recording_send
    connection.Connection._recv_bytes = recording_receive


tasks = queue.Queue(2)


class Manager(managers.BaseManager):
    pass


Manager.register("get_task_queue", callable=lambda: tasks)


def attempt(function, *args, **kwargs):
    try:
        return function(*args, **kwargs)
    except Exception as error:
        return error


def main():
    server = Manager(address=("127.0.0.1", 0), authkey=b"abc")
    server.start()
    wrap()
    client = Manager(address=server.address, authkey=b"abc")
    client.connect()
    proxy = client.get_task_queue()
    proxy.put(3411)
    proxy.put(item={"item": ["put", b"\x00\xff"], "n": [1.5, None, True, 2 ** 70]}, block=True)
    attempt(proxy.put, "one too many", False)
    proxy.get(timeout=10)
    proxy.get(True, 5)
    attempt(proxy.get, timeout=0.01)
    attempt(proxy.get, timeout=-1)
    attempt(proxy._callmethod, "no_such_method")
    attempt(proxy._callmethod, "#GETVALUE")
    proxy.put(b"x" * 300)
    proxy.get_nowait()
    proxy.qsize()
    proxy.empty()
    str(proxy)
    attempt(client._create, "no_such_typeid")
    del proxy
    wrong = Manager(address=server.address, authkey=b"abd")
    attempt(wrong.connect)
    print('{"python": "%d.%d.%d", "authkey": "abc", "messages": [' % sys.version_info[:3])
    print(",\n".join(json.dumps(message) for message in messages))
    print("]}")
    server.shutdown()


if __name__ == "__main__":
    main()
