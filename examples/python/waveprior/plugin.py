"""How a plugin in Python starts, answers and ends, and its tensors: all of it but its numbers. ../../python-solver/README.md
tells the contract; copy this file and change it, it is no library."""
import concurrent.futures, grpc, math, mmap, numpy as np, os, signal, sys, threading, time  # Debian: python3-grpcio, -numpy
from waveprior.v1 import plugin_pb2 as pb, solver_pb2 as sb
now = {}  # live, arena, memory, conf, obs: as far as they are there
def array(t, dtype, *shape, place=False):  # the numbers of a tensor, or the place for them; an extent of -1 may be any
    got, kind = tuple(t.shape), np.dtype({1: "<f4", 2: "<f8"}[dtype])
    assert t.dtype == dtype and len(got) == len(shape) and all(n in (-1, m) for n, m in zip(shape, got)), f"{got}: must be {kind} {shape}"
    size = kind.itemsize * math.prod(got)
    return np.ndarray(got, kind, now["memory"] if size > 65536 else bytearray(size) if place else t.inline, t.offset)
def put(t, v):  # writes an output to its place; returns it for the reply
    place = array(t, {4: 1, 8: 2}[v.itemsize], *v.shape, place=True)
    place[:] = v
    return t if t.HasField("offset") else pb.Tensor(dtype=t.dtype, shape=t.shape, inline=place.tobytes())
def status(m):  # of a batch of models: out of bounds where one is not finite
    good = np.isfinite(m).all(tuple(range(1, m.ndim)))
    return [pb.ItemStatus(code=0 if ok else 3, text="" if ok else f"the model is not finite: {x.ravel()[~np.isfinite(x.ravel())][0]}") for ok, x in zip(good, m)]
def configured(r, conf, **answer):  # keeps what Configure made of its request and maps the arena
    if r.HasField("arena") and now.get("arena") != r.arena: now.update(arena=r.arena, memory=mmap.mmap(os.open(r.arena.path, os.O_RDWR), r.arena.size))
    now.pop("obs", None), now.update(conf=conf)
    return pb.Configured(**answer)
def observed(r, dtype, *shape):  # keeps what Observe brings: data (k, ...) and tau (k)
    if not ((tau := np.array(r.noise_std)) > 0).all(): raise ArithmeticError(f"noise_std {tau} must be above 0")
    now["obs"] = now["conf"] and (array(r.d, dtype, len(tau), *shape).copy(), tau)
    return sb.ObserveReply()
def rpc(name, f, decode):  # exceptions become the contract's kinds of error, named in trailing metadata
    def call(r, context):
        try: return f(r)
        except (AssertionError, KeyError, TypeError, ValueError, IndexError, ArithmeticError) as e:
            kind = {"'conf'": "not-configured", "'obs'": "no-observation"}.get(str(e), "invalid-option" if f.__name__ == "configure" or type(e) is ArithmeticError else "shape")
            context.set_trailing_metadata([("waveprior-error", kind)]), context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"{name}: {f.__name__}: {e}")
    return grpc.unary_unary_rpc_method_handler(call, decode, lambda m: m if type(m) is bytes else m.SerializeToString())
def serve(name, doc, **calls):  # a solver: describe, configure, forward and what it can do beside them, as functions of their requests
    if os.environ.get("WAVEPRIOR_PLUGIN") != "2f1c4f0e-waveprior-v1": sys.exit(print(f'{doc} A host starts it: plugin = "{name}" in [solver].'))
    host, folder = int(os.environ["WAVEPRIOR_HOST_PID"]), os.environ["PLUGIN_UNIX_SOCKET_DIR"]
    path = f"{folder}/py{os.getpid()}"
    def live(_, context): context.add_callback(end), context.send_initial_metadata(()), now.update(live=True), threading.Event().wait(); yield
    def end():  # removes the socket, and the folder where the host was killed
        try: os.unlink(path), time.sleep(0.2), os.getppid() == host or os.rmdir(folder)
        finally: os._exit(0)
    table = {f"/waveprior.v1.{kind}/{n}": rpc(name, calls[n.lower()], getattr(module, n + "Request").FromString) for kind, module, names in (
        ("Plugin", pb, ["Describe", "Configure"]), ("Solver", sb, ["Forward", "Observe", "Misfit", "JVP", "VJP"])) for n in names if n.lower() in calls}
    table |= {"/waveprior.v1.Plugin/Live": grpc.unary_stream_rpc_method_handler(live), "/grpc.health.v1.Health/Check": rpc(name, lambda _: b"\x08\x01", None),
              "/plugin.GRPCController/Shutdown": rpc(name, lambda _: threading.Timer(0.1, end).start() or b"", None)}
    services = type("", (grpc.GenericRpcHandler,), {"service": lambda self, call: table.get(call.method)})()
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(16), handlers=[services], options=[("grpc.max_receive_message_length", -1)])
    server.add_insecure_port("unix:" + path), signal.signal(signal.SIGINT, signal.SIG_IGN), server.start(), print(f"1|1|unix|{path}|grpc|", flush=True)
    while now.get("live") or os.getppid() == host: time.sleep(0.2)
    end()
