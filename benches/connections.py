#!/usr/bin/env python3
"""Connections: how fast they are made, what idle ones take, whether many busy ones go well.

    python benches/connections.py rate --redkite DSN --postgres DSN    # set-up with SCRAM and TLS: put them in the DSNs
    python benches/connections.py idle --redkite DSN --pid PID         # resident memory of 1,000 of them
    python benches/connections.py busy --redkite DSN                   # 200 clients that insert and read

`busy` makes a table of its own, `busy_clients`; its counts are checked at the end.
"""
import argparse
import multiprocessing
import random
import statistics
import time

import psycopg

PROCESSES = multiprocessing.get_context("fork")


def connect_again(dsn, seconds, start, out):
    start.wait(timeout=60)
    count, began = 0, time.perf_counter()
    while (took := time.perf_counter() - began) < seconds:
        connection = psycopg.pq.PGconn.connect(dsn.encode())
        if connection.status != psycopg.pq.ConnStatus.OK:
            raise RuntimeError(connection.error_message.decode())
        connection.finish()
        count += 1
    out.put(count / took)


def rate(a):
    for clients in (1, 8):
        rates = {"redkite": [], "postgres": []}
        for _ in range(a.rounds):
            for server, found in rates.items():
                start, out = PROCESSES.Barrier(clients), PROCESSES.Queue()
                arguments = (getattr(a, server), a.seconds, start, out)
                processes = [PROCESSES.Process(target=connect_again, args=arguments) for _ in range(clients)]
                for process in processes:
                    process.start()
                found.append(sum(out.get(timeout=a.seconds + 60) for _ in processes))
                for process in processes:
                    process.join()
        redkite, postgres = (statistics.median(rates[server]) for server in ("redkite", "postgres"))
        print("connections made, %d clients: redkite %.0f/s, postgres %.0f/s, ratio %.2f" % (clients, redkite, postgres,
                                                                                             redkite / postgres), flush=True)


def resident(pid):
    with open("/proc/%d/status" % pid) as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS")) / 1024


def idle(a):
    before = resident(a.pid)
    connections = []
    for _ in range(a.connections):
        connection = psycopg.connect(a.redkite, autocommit=True)
        connection.execute("SELECT 1")
        connections.append(connection)
    after = resident(a.pid)
    print("%d idle connections: %.0f MB before, %.0f MB with them, %.0f kB each" % (
        a.connections, before, after, (after - before) * 1024 / a.connections), flush=True)


def busy_client(dsn, place, seconds, out):
    try:
        # Clients wait for one another where processes are few: not all connect in the same instant.
        time.sleep(random.random())
        done = 0
        with psycopg.connect(dsn, autocommit=True) as connection:
            end = time.perf_counter() + seconds
            while time.perf_counter() < end:
                connection.execute("INSERT INTO busy_clients (client, turn) VALUES (%s, %s)", (place, done))
                done += 1
                found = connection.execute("SELECT count(*) FROM busy_clients WHERE client = %s", (place,)).fetchone()[0]
                if found != done:
                    raise RuntimeError("client %d inserted %d rows and finds %d" % (place, done, found))
        out.put((done, None))
    except Exception as error:
        out.put((0, "%s: %s" % (type(error).__name__, error)))


def busy(a):
    with psycopg.connect(a.redkite, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS busy_clients")
        connection.execute("CREATE TABLE busy_clients (client int, turn int, PRIMARY KEY (client, turn))")
    out = PROCESSES.Queue()
    processes = [PROCESSES.Process(target=busy_client, args=(a.redkite, place, a.seconds, out)) for place in range(a.clients)]
    for process in processes:
        process.start()
    found = [out.get(timeout=a.seconds + 120) for _ in processes]
    for process in processes:
        process.join()
    errors = [error for _, error in found if error]
    print("%d busy clients: %d inserts and as many counts, %d clients with errors%s" % (
        a.clients, sum(done for done, _ in found), len(errors), ": " + errors[0] if errors else ""), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=["rate", "idle", "busy"])
    parser.add_argument("--redkite", required=True, metavar="DSN")
    parser.add_argument("--postgres", metavar="DSN")
    parser.add_argument("--pid", type=int, help="of the server")
    parser.add_argument("--connections", type=int, default=1000)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4)
    a = parser.parse_args()
    {"rate": rate, "idle": idle, "busy": busy}[a.part](a)


if __name__ == "__main__":
    main()
