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
    perform_for(easy, seconds / 3)
    count.total = 0
    cpu_before, start = cpu(), time.perf_counter()
    requests = perform_for(easy, seconds)
    took, spent = time.perf_counter() - start, cpu() - cpu_before
    assert count.total == 1024 * requests
    return {
        "get": requests / took,
        "getCpu": spent / requests * 1e6,
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
    count.total = 0
    peak_before, cpu_before = peak(True), cpu()
    start = time.perf_counter()
    easy.perform()
    took, spent = time.perf_counter() - start, cpu() - cpu_before
    assert count.total == 1 << 30
    return {
        "download": count.total / took / 1e9,
        "downloadCpu": spent,
        "growth": peak(False) - peak_before,
        "elapsed": took,
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


JOBS = {"get": get, "download": download, "calls": calls}

if sys.argv[1] == "version":
    print(pycurl.version)
else:
    print(json.dumps(JOBS[sys.argv[1]](*sys.argv[2:])))
