"""Many clients at once: each keeps a connection, asks without end and connects anew now and then.

crowd.py FOLDER HOST NAME,NAME... SOURCE,SOURCE... COUNT

In FOLDER: `renew` makes each identity renew itself once, `stop` ends everything; `bad`, `renewed`, `least`
and `most` are numbers that go up, the last two the connections that any client has used up; `log` has the
reasons of what failed.
"""
import asyncio, os, resource, ssl, subprocess, sys

folder, host, names, sources, count = sys.argv[1:]
os.chdir(folder)
names, sources, count = names.split(","), sources.split(","), int(count)
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536), hard))
bad, renewed, used = 0, 0, [0] * count
locks = {name: asyncio.Lock() for name in names}


def context(name):
    there = f"pki/client-{name}/"
    tls = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=there + "ca.pem")
    tls.load_cert_chain(there + "cert.pem", there + "key.pem")
    return tls


async def connect(name, source):
    # What is read together must belong together: nobody renews meanwhile.
    async with locks[name]:
        tls = context(name)
    return await asyncio.open_connection(host, 2376, ssl=tls, local_addr=(source, 0))


async def ask(reader, writer):
    writer.write(b"GET /_ping HTTP/1.1\r\nHost: daemon\r\n\r\n")
    head = await reader.readuntil(b"\r\n\r\n")
    body = await reader.readexactly(2)
    assert head.startswith(b"HTTP/1.1 200") and body == b"OK", head


async def client(number):
    global bad
    name, source = names[number % len(names)], sources[number % len(sources)]
    await asyncio.sleep(number * 0.01)
    while not os.path.exists("stop"):
        try:
            reader, writer = await asyncio.wait_for(connect(name, source), 60)
            for _ in range(4):
                await asyncio.wait_for(ask(reader, writer), 60)
                await asyncio.sleep(count / 500)
            writer.close()
            used[number] += 1
        except Exception as error:
            bad += 1
            print(name, type(error).__name__, error, flush=True)
            await asyncio.sleep(1)


async def renew():
    global renewed
    while not os.path.exists("renew"):
        await asyncio.sleep(0.1)
    for name in names:
        async with locks[name]:
            command = ["lockgate", "renew", "--force", f"pki/client-{name}"]
            process = await asyncio.create_subprocess_exec(*command)
            if await process.wait() != 0:
                print(name, "did not renew", flush=True)
        renewed += 1


def tell():
    write("bad", bad), write("renewed", renewed), write("least", min(used)), write("most", max(used))


def write(name, number):
    with open(name + ".new", "w") as file:
        file.write(str(number))
    os.replace(name + ".new", name)


async def go_on_telling():
    while True:
        tell()
        await asyncio.sleep(0.1)


async def main():
    told = asyncio.create_task(go_on_telling())
    moving = asyncio.create_task(renew())
    await asyncio.gather(*(client(number) for number in range(count)))
    told.cancel(), moving.cancel()
    tell()


asyncio.run(main())
