"""The PycURL peer: the same jobs through Python's binding."""

import json
import resource
import sys
import time

import pycurl

AGENTS = [f"benchmark-agent/1.0{i}" for i in range(8)]


class Count:
    def __init__(self):
        self.total = 0

    def write(self, data):
        self.total += len(data)


def cpu():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def open_handle(url, count):
    easy = pycurl.Curl()
    easy.setopt(pycurl.URL, url)
    easy.setopt(pycurl.NOSIGNAL, 1)
    easy.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
    easy.setopt(pycurl.WRITEFUNCTION, count.write)
    return easy


def perform_for(easy, seconds):
    end = time.perf_counter() + seconds
    requests = 0
    while True:
        for _ in range(16):
            easy.perform()
        requests += 16
        if time.perf_counter() >= end:
            return requests


def get(url, seconds):
    seconds = float(seconds)
    count = Count()
    easy = open_handle(url, count)
    begun = time.perf_counter()
    perform_for(easy, seconds)
    count.total = 0
    cpu_before, start = cpu(), time.perf_counter()
    requests = perform_for(easy, seconds)
    took, spent = time.perf_counter() - start, cpu() - cpu_before
    assert count.total == 1024 * requests
    return {
        "rate": requests / took,
        "cpu": spent / requests * 1e6,
        "elapsed": time.perf_counter() - begun,
    }


def peak(reset):
    """The highest resident size in MiB since the last reset."""
    if reset:
        try:
            with open("/proc/self/clear_refs", "w") as file:
                file.write("5")
        except OSError:
            pass
    with open("/proc/self/status") as file:
        line = next(line for line in file if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def download(url, small):
    count = Count()
    easy = open_handle(small, count)
    perform_for(easy, 0.1)
    easy.setopt(pycurl.URL, url)
    peak_before, begun = peak(True), time.perf_counter()
    easy.perform()
    easy.perform()
    count.total = 0
    cpu_before = cpu()
    start = time.perf_counter()
    easy.perform()
    took, spent = time.perf_counter() - start, cpu() - cpu_before
    assert count.total == 1 << 30
    return {
        "speed": count.total / took / 1e9,
        "cpu": spent,
        "growth": peak(False) - peak_before,
        "elapsed": time.perf_counter() - begun,
    }


def repeat_for(multi, handles, seconds):
    """Each begins again when it is done, until the time is over."""
    end = time.perf_counter() + seconds
    requests = connections = 0
    left = len(handles)
    for easy in handles:
        multi.add_handle(easy)
    while left > 0:
        multi.perform()
        again = False
        queued = 1
        while queued:
            queued, done, failed = multi.info_read()
            assert not failed, failed
            for easy in done:
                connections += easy.getinfo(pycurl.NUM_CONNECTS)
                requests += 1
                multi.remove_handle(easy)
                if time.perf_counter() < end:
                    multi.add_handle(easy)
                    again = True
                else:
                    left -= 1
        # Unlike curl_multi_poll, select() knows nothing of those just added.
        if left > 0 and not again:
            multi.select(1.0)
    return requests, connections


def many(url, seconds, count, ca=None):
    """HTTP/2 if there is a `ca`; nothing if this libcurl has no HTTP/2."""
    if ca and not pycurl.version_info()[4] & pycurl.VERSION_HTTP2:
        return {}
    seconds = float(seconds)
    counter = Count()
    handles = [open_handle(url, counter) for _ in range(int(count))]
    if ca:
        for easy in handles:
            easy.setopt(pycurl.CAINFO, ca)
            easy.setopt(pycurl.PIPEWAIT, 1)
            easy.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_2TLS)
    multi = pycurl.CurlMulti()
    begun = time.perf_counter()
    connections = repeat_for(multi, handles, seconds)[1]
    counter.total = 0
    cpu_before, start = cpu(), time.perf_counter()
    requests = repeat_for(multi, handles, seconds)[0]
    took, spent = time.perf_counter() - start, cpu() - cpu_before
    assert counter.total == 1024 * requests
    return {
        "rate": requests / took,
        "cpu": spent / requests * 1e6,
        "connections": connections,
        "elapsed": time.perf_counter() - begun,
    }


# Names are looked up once, so that the loops time the calls and nothing else.


def set_numbers(easy, times):
    setopt, option = easy.setopt, pycurl.TIMEOUT_MS
    for i in range(times):
        setopt(option, 1000 + (i & 7))


def set_strings(easy, times):
    setopt, option, agents = easy.setopt, pycurl.USERAGENT, AGENTS
    for i in range(times):
        setopt(option, agents[i & 7])


def get_numbers(easy, times):
    getinfo, info = easy.getinfo, pycurl.RESPONSE_CODE
    total = 0
    for _ in range(times):
        total += getinfo(info)
    assert total == 200 * times


def get_doubles(easy, times):
    getinfo, info = easy.getinfo, pycurl.TOTAL_TIME
    total = 0.0
    for _ in range(times):
        total += getinfo(info)
    assert total > 0


def get_strings(easy, times):
    getinfo, info = easy.getinfo, pycurl.EFFECTIVE_URL
    for _ in range(times):
        value = getinfo(info)
    assert value[0] == "h"


def calls(url, times):
    times = int(times)
    easy = open_handle(url, Count())
    easy.perform()
    result = {}
    for name, run in (
        ("setNumber", set_numbers),
        ("setString", set_strings),
        ("getNumber", get_numbers),
        ("getDouble", get_doubles),
        ("getString", get_strings),
    ):
        run(easy, times // 10)
        start = time.perf_counter()
        run(easy, times)
        result[name] = (time.perf_counter() - start) / times * 1e9
    return result


JOBS = {"get": get, "download": download, "calls": calls, "many": many}

if sys.argv[1] == "version":
    print(pycurl.version)
else:
    print(json.dumps(JOBS[sys.argv[1]](*sys.argv[2:])))
