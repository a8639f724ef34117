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


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


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
    port, runtime = free_port(), free_port()
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


class Runtime:
    """The runtime API with one invocation, so that the moment of the spawn is known;
    without a payload, with none."""

    def __init__(self, payload=None):
        body = json.dumps(payload).encode()
        asked = self.asked = threading.Event()

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
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def address(self):
        return f"127.0.0.1:{self.server.server_port}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def instructions(command):
    """How many instructions a process takes until it has asked for its first event."""
    runtime = Runtime()
    process = subprocess.Popen(
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *command],
        env=environment(AWS_LAMBDA_RUNTIME_API=runtime.address),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )
    try:
        if not runtime.asked.wait(120):
            sys.exit(f"{command[0]} did not ask for an event within 120 s")
        # Until it waits for the answer. Then valgrind is told to count up.
        time.sleep(0.5)
        process.terminate()
        _, said = process.communicate(timeout=60)
    finally:
        end(process)
        runtime.close()
    if not (counted := re.search(r"Collected : (\d+)", said)):
        sys.exit(f"callgrind did not count {command[0]}: {said}")
    return int(counted[1])


class TlsFront:
    """TLS before the simulator. Notes when the first answer went out."""

    def __init__(self, folder, upstream):
        self.certificate_authority = str(folder / "ca.pem")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate(folder))
        self.context, self.upstream = context, upstream
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.answered = threading.Event()
        self.at = 0.0
        threading.Thread(target=self.accept, daemon=True).start()

    @property
    def url(self):
        return f"https://localhost:{self.listener.getsockname()[1]}"

    def begin(self):
        self.answered.clear()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        with contextlib.suppress(OSError):
            client = self.context.wrap_socket(client, server_side=True)
            upstream = socket.create_connection(("127.0.0.1", self.upstream))
            threading.Thread(target=copy, args=(client, upstream), daemon=True).start()
            while data := upstream.recv(65536):
                client.sendall(data)
                if not self.answered.is_set():
                    self.at = time.perf_counter()
                    self.answered.set()


def copy(source, sink):
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)


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


def first_tls(front, command, payload):
    """Milliseconds from the spawn to the first TLS call answered."""
    # As a definition calls it: what is built for the environment is built once more.
    runtime = Runtime(payload | {"settings": {"cockroach_server": front.url}})
    front.begin()
    variables = environment(
        AWS_LAMBDA_RUNTIME_API=runtime.address,
        AWS_ENDPOINT_URL=front.url,
        COCKROACH_SERVER=front.url,
        SSL_CERT_FILE=front.certificate_authority,
        AWS_CA_BUNDLE=front.certificate_authority,
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
        if not front.answered.wait(20):
            sys.exit(f"{command[0]} made no TLS call within 20 s")
        return (front.at - began) * 1000
    finally:
        end(process)
        runtime.close()


@contextlib.contextmanager
def simulator(binary):
    port = free_port()
    process = subprocess.Popen(
        [binary, "--scenario", "standard-cluster", "--port", str(port)],
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_for(lambda: listens(port), "the start of the simulator")
        yield port
    finally:
        end(process)


def functions():
    folders = (path.parent.name for path in ROOT.glob("functions/*/Cargo.toml"))
    return sorted(set(folders) - {"adapters", "processes", "shared"})


def table(rounds, rows):
    """The rows as Markdown. A cell without a figure is empty."""
    head = ("", "Zip", "Instructions", "of hello", "Start", "of hello", "First TLS call", "Memory")
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    about = (
        f"On {platform.machine()}, medians of {rounds} rounds. *Instructions*: up to the first poll for an event."
        " *Start*: from the spawn to the first answer, under AWS's runtime emulator."
        " *First TLS call*: from the spawn to its answer. *Memory*: its peak until the first answer."
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


def first_calls(release, commands, rounds):
    """The first TLS call of those that there is a payload for."""
    payloads = json.loads((HERE / "payloads.json").read_text())
    payloads[PYTHON] = payloads["create-security-group"]
    calls = {name: (commands[name], payloads[name]) for name in commands.keys() & payloads.keys()}
    with tempfile.TemporaryDirectory() as folder, simulator(release / "simulator") as port:
        front = TlsFront(pathlib.Path(folder), port)
        return medians(lambda call: (first_tls(front, *call),), calls, rounds)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--release", type=pathlib.Path, required=True)
    arguments.add_argument("--rounds", type=int, default=15)
    arguments.add_argument("--write", action="store_true")
    arguments.add_argument("names", nargs="*")
    given = arguments.parse_args()
    release, rounds = (ROOT / given.release).resolve(), given.rounds

    python = [sys.executable, str(HERE / "python_step.py")]
    commands = {HELLO: [str(release / "examples/hello")], PYTHON: python}
    commands |= {name: [str(release / name)] for name in given.names or functions()}

    counts = {}
    if shutil.which("valgrind"):
        counts = {name: instructions(command) for name, command in commands.items() if name != PYTHON}
    else:
        print("Instructions are not counted: there is no valgrind.", file=sys.stderr)
    rie = emulator()
    answers = medians(lambda command: first_answer(rie, command), commands, rounds)
    calls = first_calls(release, commands, rounds)

    rows = []
    for name, command in commands.items():
        took, memory = answers[name]
        rows.append(
            (
                name if name in (HELLO, PYTHON) else f"`{name}`",
                f"{zip_size(command[0]) / 1e6:.2f} MB" if name != PYTHON else "",
                f"{counts[name] / 1e6:.2f} million" if name in counts else "",
                f"{counts[name] / counts[HELLO]:.1f}" if name in counts else "",
                f"{took:.1f} ms",
                f"{took / answers[HELLO][0]:.2f}",
                f"{calls[name][0]:.1f} ms" if name in calls else "",
                f"{memory:.1f} MB",
            )
        )
    text = table(rounds, rows)
    print(text)
    if given.write:
        write(text)


main()
