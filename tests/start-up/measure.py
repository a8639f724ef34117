"""Size, instructions, start and memory of the release artifacts; see the script `run`."""

import argparse
import contextlib
import http.client
import http.server
import io
import json
import os
import pathlib
import platform
import queue
import re
import shutil
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
HELLO = "hello in Rust"
PYTHON = "create-security-group in Python"
PAGE = ROOT / "docs/releases.md"
BEGIN = "<!-- figures of tests/start-up/run --write, generated -->\n"
END = "<!-- end of figures -->\n"
INVOKE = "/2015-03-31/functions/function/invocations"


def free_ports(count):
    """All held until the last is found, so that they differ."""
    with contextlib.ExitStack() as held:
        listeners = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [listener.getsockname()[1] for listener in listeners]


def environment(**more):
    """What Lambda gives a function, and nothing of this shell."""
    return {
        "PATH": os.environ["PATH"],
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "111122223333",
        "AWS_SECRET_ACCESS_KEY": "nothing",
        "AWS_LAMBDA_FUNCTION_NAME": "function",
        "AWS_LAMBDA_FUNCTION_VERSION": "1",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
        "AWS_EC2_METADATA_DISABLED": "true",
        "CONNECTIONS_TABLE": "connections",
        "LEASES_TABLE": "leases",
    } | more


def wait_for(condition, what):
    """Until the condition holds; these are conditions that hold within milliseconds."""
    deadline = time.monotonic() + 20
    while not (value := condition()):
        if time.monotonic() > deadline:
            sys.exit(f"{what} did not happen within 20 s")
        time.sleep(0.001)
    return value


def listens(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def end(process):
    """Ends a process and its children, which are a group of their own."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def zip_size(binary):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(binary, "bootstrap")
    return packed.getbuffer().nbytes


def emulator():
    """AWS's runtime emulator, which comes with the SAM CLI."""
    import samcli

    machine = {"x86_64": "x86_64", "aarch64": "arm64"}[platform.machine()]
    found = pathlib.Path(samcli.__file__).parent / f"local/rapid/aws-lambda-rie-{machine}"
    found.chmod(0o755)
    return found


def children(process):
    """By the parent that each process names: the lists of children that each thread
    has may be incomplete while another thread ends (man 5 proc_pid_task)."""
    found = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        # Others come and go while we look.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            # The name before these may have blanks and parentheses in it.
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
            if int(parent) == process and state != "Z":
                found.append(int(stat.parent.name))
    return found


def peak_memory_mb(process):
    for line in pathlib.Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    sys.exit(f"/proc/{process}/status has no VmHWM")


def first_answer(emulator, command):
    """Milliseconds from the call that spawns the process to its answer, and the
    peak of its memory in MB. The empty payload is answered without any call."""
    port, runtime = free_ports(2)
    process = subprocess.Popen(
        [
            emulator,
            "--runtime-interface-emulator-address",
            f"127.0.0.1:{port}",
            "--runtime-api-address",
            f"127.0.0.1:{runtime}",
            *command,
        ],
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_for(lambda: listens(port), "the start of the runtime emulator")
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        client.connect()
        began = time.perf_counter()
        client.request("POST", INVOKE, "{}")
        client.getresponse().read()
        took = (time.perf_counter() - began) * 1000
        functions = wait_for(lambda: children(process.pid), "the function, as a child,")
        if len(functions) != 1:
            sys.exit(f"the runtime emulator has {len(functions)} children")
        return took, peak_memory_mb(functions[0])
    finally:
        end(process)


@contextlib.contextmanager
def serving(handler, context=None):
    """A server of one measurement on loopback, over TLS if there is a context: what an
    earlier process still sends or is sent comes to none of a later one."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    if context:
        # Each handshake in the thread of its connection.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def runtime(payload=None):
    """The runtime API with one invocation, so that the moment of the spawn is known;
    without a payload, with none. Its address, and the event that it was asked."""
    body = json.dumps(payload).encode()
    asked = threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        given = threading.Semaphore(0 if payload is None else 1)

        def do_GET(self):
            asked.set()
            self.given.acquire()
            self.send_response(200)
            self.send_header("Lambda-Runtime-Aws-Request-Id", "1")
            deadline = int((time.time() + 30) * 1000)
            self.send_header("Lambda-Runtime-Deadline-Ms", str(deadline))
            arn = "arn:aws:lambda:eu-west-1:111122223333:function:function"
            self.send_header("Lambda-Runtime-Invoked-Function-Arn", arn)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self):
            said.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response(202)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    said = []
    with serving(Handler) as port:
        yield f"127.0.0.1:{port}", asked, said


@contextlib.contextmanager
def service(context):
    """Whatever is called over TLS. It refuses, and notes when its first answer is out."""
    answers = queue.SimpleQueue()

    class Handler(http.server.BaseHTTPRequestHandler):
        disable_nagle_algorithm = True

        def do_POST(self):
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(400)
            self.send_header("Content-Length", "0")
            self.end_headers()
            answers.put(time.perf_counter())

        do_GET = do_POST

        def log_message(self, *_):
            pass

    with serving(Handler, context) as port:
        yield f"https://localhost:{port}", answers


def is_asleep(process):
    """Whether it waits for something, and has no thread that does not."""
    threads = pathlib.Path(f"/proc/{process}/task").glob("*/stat")
    return all(stat.read_text().rpartition(")")[2].split()[0] == "S" for stat in threads)


def instructions(command):
    """How many instructions a process takes until it has asked for its first event."""
    with runtime() as (address, asked, _):
        process = subprocess.Popen(
            ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *command],
            env=environment(AWS_LAMBDA_RUNTIME_API=address),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
            text=True,
        )
        try:
            if not asked.wait(120):
                sys.exit(f"{command[0]} did not ask for an event within 120 s")
            wait_for(lambda: is_asleep(process.pid), "that it waits for the answer")
            # Now valgrind is told to count up.
            process.terminate()
            _, said = process.communicate(timeout=60)
        finally:
            end(process)
    if not (counted := re.search(r"Collected : (\d+)", said)):
        sys.exit(f"callgrind did not count {command[0]}: {said}")
    return int(counted[1])


def certificate(folder):
    """A certificate authority and a certificate for localhost, for this run only."""

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl(
        *["req", "-x509", *curve, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=benchmark"],
        *["-addext", "basicConstraints=critical,CA:TRUE"],
    )
    openssl("req", *curve, "-keyout", "leaf.key", "-out", "leaf.csr", "-subj", "/CN=localhost")
    (folder / "leaf.ext").write_text("subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n")
    openssl(
        *["x509", "-req", "-in", "leaf.csr", "-CA", "ca.pem", "-CAkey", "ca.key"],
        *["-CAcreateserial", "-out", "leaf.pem", "-extfile", "leaf.ext"],
    )
    return folder / "leaf.pem", folder / "leaf.key"


def first_tls(authority, context, command, payload):
    """Milliseconds from the spawn until its first call over TLS is answered: with name,
    connection, handshake and request."""
    with service(context) as (url, answers):
        # As a definition calls it: what is built for the environment is built once more.
        told = payload | {"settings": {"cockroach_server": url}}
        with runtime(told) as (address, _, said):
            variables = environment(
                AWS_LAMBDA_RUNTIME_API=address,
                AWS_ENDPOINT_URL=url,
                COCKROACH_SERVER=url,
                AWS_CA_BUNDLE=str(authority),
            )
            began = time.perf_counter()
            process = subprocess.Popen(
                command,
                env=variables,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            try:
                return (answers.get(timeout=20) - began) * 1000
            except queue.Empty:
                sys.exit(f"{command[0]} made no TLS call within 20 s; it said {said}")
            finally:
                end(process)


def functions():
    folders = (path.parent.name for path in ROOT.glob("functions/*/Cargo.toml"))
    return sorted(set(folders) - {"adapters", "processes", "shared"})


def payloads():
    """What each function is called with when its first TLS call is measured; nothing for
    one that makes none. A list names fields, which are the same for all."""
    given = json.loads((HERE / "payloads.json").read_text())
    found = {}
    for name, payload in given["functions"].items():
        if isinstance(payload, list):
            payload = {field: given["fields"][field] for field in payload}
        found[name] = payload
    return found


def table(rounds, rows):
    """The rows as Markdown."""
    head = ("", "Zip", "Instructions", "of hello", "Start", "of hello", "First TLS call", "Memory")
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    about = (
        f"On {platform.machine()}, medians of {rounds} rounds. *Instructions*: up to the first poll for an event."
        " *Start*: from the spawn to the first answer, under AWS's runtime emulator."
        " *First TLS call*: from the spawn to its answer, by a server on the same machine."
        " *Memory*: its peak until the first answer. A dash: there is no such thing."
    )
    return "\n".join([about, "", *(f"| {' | '.join(line)} |" for line in lines), ""])


def write(text):
    """Puts it between the marks of the page."""
    page = PAGE.read_text()
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    if not after:
        sys.exit(f"{PAGE} has not the marks {BEGIN.strip()} and {END.strip()}")
    PAGE.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")


def medians(measure, commands, rounds):
    """Round by round, so that a busy moment of the machine hits all alike."""
    seen = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            seen[name].append(measure(command))
    return {name: tuple(map(statistics.median, zip(*values))) for name, values in seen.items()}


def first_calls(commands, inputs, rounds):
    """The first TLS call of those that make one."""
    calls = {name: (commands[name], payload) for name, payload in inputs.items() if payload is not None}
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate(folder))
        return medians(lambda call: (first_tls(folder / "ca.pem", context, *call),), calls, rounds)


def row(name, counts, answers, calls, command):
    """The cells of one. What it has not is a dash; what is missing is an error."""
    took, memory = answers[name]
    is_binary = name != PYTHON
    return (
        name if name in (HELLO, PYTHON) else f"`{name}`",
        f"{zip_size(command[0]) / 1e6:.2f} MB" if is_binary else "–",
        f"{counts[name] / 1e6:.2f} million" if is_binary and counts else "–",
        f"{counts[name] / counts[HELLO]:.1f}" if is_binary and counts else "–",
        f"{took:.1f} ms",
        f"{took / answers[HELLO][0]:.2f}",
        f"{calls[name][0]:.1f} ms" if name in calls else "–",
        f"{memory:.1f} MB",
    )


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--release", type=pathlib.Path, required=True)
    arguments.add_argument("--rounds", type=int, default=15)
    arguments.add_argument("--write", action="store_true")
    arguments.add_argument("names", nargs="*")
    given = arguments.parse_args()
    release, rounds = (ROOT / given.release).resolve(), given.rounds

    names = given.names or functions()
    inputs = payloads()
    if inputs.keys() != set(functions()):
        sys.exit(f"payloads.json is not of these functions: {sorted(inputs.keys() ^ set(functions()))}")
    # The same step as in Rust.
    inputs = {name: inputs[name] for name in names} | {HELLO: None, PYTHON: inputs["create-security-group"]}

    python = [sys.executable, str(HERE / "python_step.py")]
    commands = {HELLO: [str(release / "examples/hello")], PYTHON: python}
    commands |= {name: [str(release / name)] for name in names}

    counts = {}
    if shutil.which("valgrind"):
        counts = {name: instructions(command) for name, command in commands.items() if name != PYTHON}
    elif given.write:
        sys.exit("Instructions cannot be counted: there is no valgrind.")
    else:
        print("Instructions are not counted: there is no valgrind.", file=sys.stderr)
    rie = emulator()
    answers = medians(lambda command: first_answer(rie, command), commands, rounds)
    calls = first_calls(commands, inputs, rounds)

    rows = [row(name, counts, answers, calls, command) for name, command in commands.items()]
    text = table(rounds, rows)
    print(text)
    if given.write:
        write(text)


main()
