# SPDX-License-Identifier: BSD-2-Clause
"""The web page in a real browser: from claiming the host to a shell in a guest, and its plots.

Screenshots are left in build/web.
"""

import gzip
import hashlib
import http.server
import os
import threading

import pytest

from machine import BUILD, body_json, disk_args, make_machine
from test_disks import LINUX, gpt, wait_tables
from test_nbd_remote import HOST, pki, qemu_nbd, with_tls  # noqa: F401 (a fixture)

selenium = pytest.importorskip("selenium", reason="python3-selenium is not installed")

from selenium import webdriver  # noqa: E402
from selenium.webdriver.chrome.service import Service  # noqa: E402
from selenium.webdriver.common.action_chains import ActionChains  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.ui import WebDriverWait  # noqa: E402

pytestmark = pytest.mark.qemu("a browser's requests over TLS take Bochs minutes")

MIB = 1 << 20
PAGES = ["host", "vms", "images", "volumes", "networks", "tasks", "log", "tokens"]


class Browser:
    """Chromium without a window, on the page of a machine."""

    def __init__(self, machine, profile):
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for argument in ("--headless=new", "--no-sandbox", "--ignore-certificate-errors", "--disable-dev-shm-usage", "--disable-gpu",
                         "--no-proxy-server", f"--user-data-dir={profile}"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
        self.url = f"https://127.0.0.1:{machine.port}/"
        self.size(1280, 900)

    def size(self, width, height, dark=False):
        self.shape = (width, height, dark)
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                                    {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False})
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia",
                                    {"features": [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]})

    def wait(self, condition, timeout=60):
        """Waits until the function of the browser gives something."""
        return WebDriverWait(self.driver, timeout, 0.3, ignored_exceptions=(Exception,)).until(lambda _: condition())

    def find(self, selector, timeout=60):
        return self.wait(lambda: self.driver.find_element(By.CSS_SELECTOR, selector), timeout)

    def button(self, text, timeout=60):
        path = f"//button[normalize-space()='{text}']"
        return self.wait(lambda: self.driver.find_element(By.XPATH, path), timeout)

    def click(self, text):
        """Presses a button, which an event may just have made anew."""
        self.wait(lambda: self.button(text, 1).click() is None)

    def fill(self, field, text):
        element = self.find(f"[name={field}]")
        element.clear()
        element.send_keys(text)

    def choose(self, field, value):
        self.find(f"[name={field}] option[value='{value}']").click()

    def unfold(self, text):
        path = f"//summary[normalize-space()='{text}']"
        if not self.wait(lambda: self.driver.find_element(By.XPATH, path)).find_element(By.XPATH, "..").get_attribute("open"):
            self.driver.find_element(By.XPATH, path).click()

    def press_in_row(self, row, text, answer=None):
        """Presses a button of a table's row; answer: to the question whether it is meant."""
        self.wait(lambda: self.row(row).find_element(By.XPATH, f".//button[text()='{text}']").click() is None)
        if answer is not None:
            self.answer(answer)

    def answer(self, yes):
        """Returns what was asked."""
        alert = self.wait(lambda: self.driver.switch_to.alert)
        text = alert.text
        if yes:
            alert.accept()
        else:
            alert.dismiss()
        return text

    def keys(self, *keys):
        ActionChains(self.driver).send_keys(*keys).perform()

    def focused(self):
        return self.driver.switch_to.active_element

    def told(self, text):
        """Waits for a message that has this text."""
        return self.wait(lambda: text in self.find("#messages").text)

    def go(self, page):
        self.driver.get(f"{self.url}#/{page}")

    def row(self, name):
        """The row of a table that begins with that name."""
        return self.wait(lambda: self.driver.find_element(By.XPATH, f"//tr[td[1][normalize-space()='{name}']]"))

    def heading(self, text, timeout=60):
        self.wait(lambda: text in self.driver.find_element(By.TAG_NAME, "h1").text, timeout)

    def shot(self, name):
        """All of the page, also what is below the window."""
        width, height, dark = self.shape
        self.size(width, max(height, self.driver.execute_script("return document.documentElement.scrollHeight")), dark)
        os.makedirs(f"{BUILD}/web", exist_ok=True)
        assert self.driver.save_screenshot(f"{BUILD}/web/{name}.png")
        self.size(width, height, dark)

    def screen(self):
        """What the terminal shows."""
        return self.driver.execute_script("return document.querySelector('.xterm-rows').innerText")

    def errors(self):
        """Complaints of the page and of its security policy since the last time."""
        return [e["message"] for e in self.driver.get_log("browser") if e["level"] == "SEVERE"]


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    """With a disk that has a partition, which holds nothing of Socle's."""
    disk = tmp_path_factory.mktemp("disk") / "disk.img"
    disk.write_bytes(gpt(512, [(LINUX, 2048, 34815, "somebody's")]))
    with make_machine(smp=2, memory="1G", tls=True, extra=disk_args("nvme", str(disk))) as m:
        yield m.wait_ready()


@pytest.fixture(scope="module")
def browser(machine, tmp_path_factory):
    made = Browser(machine, tmp_path_factory.mktemp("chromium"))
    yield made
    made.driver.quit()


def test_the_files_of_the_page(machine):
    reply = page(machine, "/")
    assert reply.status == 200 and reply.headers["Content-Encoding"] == "gzip"
    policy = reply.headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy and "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    html = gzip.decompress(reply.body).decode()
    assert "<script>" not in html and " onclick" not in html
    total = len(reply.body)
    for name, kind in (("app.js", "text/javascript"), ("style.css", "text/css"), ("xterm.js", "text/javascript"),
                       ("xterm.css", "text/css"), ("licenses.txt", "text/plain")):
        file = page(machine, f"/ui/{name}")
        assert file.status == 200 and file.headers["Content-Type"].startswith(kind)
        assert len(gzip.decompress(file.body)) > len(file.body)
        total += len(file.body)
        again = page(machine, f"/ui/{name}", **{"If-None-Match": file.headers["ETag"]})
        assert again.status == 304 and not again.body
    assert total <= 150 << 10
    missing = page(machine, "/ui/none.js")
    assert missing.status == 404 and body_json(missing)["hint"]
    assert page(machine, "/ui/..%2Froutes.def").status == 400


def page(machine, path, **headers):
    connection = machine.connect(token="")
    try:
        connection.request("GET", path, headers=headers)
        reply = connection.getresponse()
        body = reply.read()
        return type("Reply", (), {"status": reply.status, "headers": reply.headers, "body": body})
    finally:
        connection.close()


def claim(machine, browser):
    """A wrong code first; then that of the console."""
    browser.driver.get(browser.url)
    browser.fill("secret", "AAAA-BBBB-CCCC")
    browser.click("Claim")
    browser.wait(lambda: "not the claim code" in browser.find("#messages").text)
    machine.wait_serial(r"\| claim code: [-0-9A-Z]{14} ", timeout=60)
    browser.fill("secret", machine.claim_codes()[-1])
    browser.shot("claim")
    browser.click("Claim")
    machine.admin_token = browser.find("#token").text
    browser.click("I have it")
    browser.heading("New virtual machine")  # there is none yet
    assert [e for e in browser.errors() if "403" not in e] == []


def upload(browser):
    browser.go("images")
    browser.heading("Images")
    browser.find("input[type=file]").send_keys(f"{BUILD}/guest/vmlinuz\n{BUILD}/guest/initrd.img")
    browser.wait(lambda: len(browser.driver.find_elements(By.CSS_SELECTOR, "form.card")) == 2)
    for _ in range(2):
        browser.find("form.card button.main").click()
        left = len(browser.driver.find_elements(By.CSS_SELECTOR, "form.card"))
        browser.wait(lambda: len(browser.driver.find_elements(By.CSS_SELECTOR, "form.card")) < left, 120)
    browser.wait(lambda: {"vmlinuz", "initrd.img"} <= {c.text for c in browser.driver.find_elements(By.CSS_SELECTOR, "td:first-child")})
    browser.shot("images")


def create(browser):
    browser.go("new")
    browser.heading("New virtual machine")
    browser.fill("vm", "web1")
    browser.choose("kernel", "vmlinuz")
    browser.choose("initrd", "initrd.img")
    browser.find("summary").click()
    browser.fill("ci_user", "ada")
    browser.fill("ci_keys", "ssh-ed25519 AAAAC3Nza ada@home")
    browser.find("form button.main").click()
    browser.heading("web1")


def type_in_console(browser):
    """Without a click: who has just made a VM is in its console."""
    browser.wait(lambda: "SOCLE-GUEST-READY" in browser.screen(), 240)
    browser.focused().send_keys("echo answer $((40 + 2))\n")
    browser.wait(lambda: "answer 42" in browser.screen())
    columns = "return document.querySelector('.xterm-rows').clientWidth"
    before = browser.driver.execute_script(columns)
    browser.size(900, 900)
    browser.wait(lambda: browser.driver.execute_script(columns) < before)
    assert "answer 42" in browser.screen()  # the end is still what is seen
    browser.size(1280, 900)
    browser.wait(lambda: browser.driver.execute_script(columns) == before)
    assert "answer 42" in browser.screen()


def read_plots(browser):
    for title in ("CPU", "Memory", "Exits"):
        figure = browser.find(f"[data-plot={title}]")
        browser.wait(lambda: int(figure.get_attribute("data-points-0")) >= 10)
    assert 64 << 20 < float(browser.find("[data-plot=Memory]").get_attribute("data-last-0")) <= 257 << 20
    for title in ("CPU", "Exits"):
        path = browser.find(f"[data-plot={title}] path.s0").get_attribute("d")
        assert len(set(path.replace("L", " ").split()[1::2])) >= 2, path  # it is no flat line
    browser.wait(lambda: "hlt" in browser.driver.find_element(By.TAG_NAME, "main").text.lower())


def press(browser, text, state):
    browser.click(text)
    browser.find(f"h1 .state.{state}")


def test_from_the_claim_code_to_a_shell(machine, browser):
    claim(machine, browser)
    upload(browser)
    create(browser)
    assert machine.json("/vms/web1")["cloud_init"]["user_data_bytes"] > 100
    type_in_console(browser)
    read_plots(browser)
    browser.shot("vm")
    press(browser, "Pause", "paused")
    press(browser, "Resume", "running")
    press(browser, "Power off", "stopped")
    press(browser, "Start", "running")
    assert machine.post("/vms/web1/poweroff").status == 200
    browser.find("h1 .state.stopped")  # told by an event
    assert [e for e in browser.errors() if "403" not in e] == []


def test_files_of_this_computer_become_a_vm(machine, browser):
    """The form uploads what is to be booted; without it nothing is sent, and one sentence says what is missing."""
    browser.go("new")
    browser.heading("New virtual machine")
    browser.fill("vm", "direct")
    browser.choose("kernel", "")
    browser.click("Create")
    browser.wait(lambda: "What is to be booted?" in browser.find("#messages").text)
    browser.fill("vm", "web1")
    browser.find("[name=kernel_file]").send_keys(f"{BUILD}/guests/echo.elf")
    browser.click("Create")
    browser.wait(lambda: "There is a VM web1 already: choose another name." in browser.find("#messages").text)
    assert machine.get("/images/web1-kernel").status == 404
    browser.fill("vm", "direct")
    browser.choose("firmware", "pvh")
    browser.click("Create")
    browser.heading("direct")
    browser.wait(lambda: "echo ready" in browser.screen())
    assert machine.json("/vms/direct")["boot"]["kernel"] == "direct-kernel"
    browser.go("vms")
    browser.heading("Virtual machines")
    assert machine.delete("/vms/direct?force=true").status == 204
    assert all("412" in e for e in browser.errors())


WIDE = """
    const width = window.innerWidth;
    if (document.documentElement.scrollWidth <= width) return [];
    return [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > width).map((e) => e.outerHTML.slice(0, 80));
"""


# Texts whose contrast with what is behind them is below WCAG 2.2's 4.5 to 1.
FAINT = """
    const parts = (color) => color.match(/[\\d.]+/g).map(Number);
    const light = (color) => parts(color).slice(0, 3).map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    const behind = (e) => { for (; e; e = e.parentElement) { const b = getComputedStyle(e).backgroundColor; if (parts(b)[3] !== 0) return b; } };
    return [...document.querySelectorAll("a, button, label, td, th, dt, dd, p, summary, span, h1, h2, select, pre")]
        .filter((e) => e.textContent && e.checkVisibility() && !e.closest("#terminal, .legend, .skip")).filter((e) => {
            const [a, b] = [light(getComputedStyle(e).color), light(behind(e))].sort((x, y) => x - y);
            return (b + 0.05) / (a + 0.05) < 4.5;
        }).map((e) => e.outerHTML.slice(0, 80));
"""


@pytest.mark.parametrize("width,dark", [(360, False), (360, True), (1280, True)])
def test_every_page_fits(machine, browser, width, dark):
    browser.size(width, 780, dark)
    for name in PAGES + ["vm/web1", "new"]:
        browser.go(name)
        browser.wait(lambda: browser.driver.find_element(By.TAG_NAME, "h1"))
        browser.wait(lambda: "Loading" not in browser.find("main").text)
        if name == "log":
            browser.wait(lambda: "agent" in browser.find("pre.log").text or "audit" in browser.find("pre.log").text)
        wide = browser.driver.execute_script(WIDE)
        assert wide == [], (name, wide)
        faint = browser.driver.execute_script(FAINT)
        assert faint == [], (name, faint)
        browser.shot(f"{name.replace('/', '-')}-{width}{'-dark' if dark else ''}")
    back = browser.driver.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert (back == "rgb(13, 17, 23)") == dark
    assert browser.errors() == []
    browser.size(1280, 900)


def test_the_last_click_wins(browser):
    """A view that loads slowly does not write over the one that was chosen meanwhile."""
    browser.go("host")
    browser.wait(lambda: "Loading" not in browser.find("main").text)
    browser.driver.execute_script("""
        const real = window.fetch;
        window.fetch = (...request) => String(request[0]).includes("/networks")
            ? new Promise((done) => setTimeout(done, 1000)).then(() => real(...request)).finally(() => { window.slow = "over"; })
            : real(...request);
        location.hash = "#/networks";
        setTimeout(() => { location.hash = "#/tokens"; }, 100);""")
    browser.wait(lambda: browser.driver.execute_script("return window.slow") == "over")
    browser.heading("Tokens")
    assert browser.driver.execute_script("return new Promise((done) => setTimeout(() => done(document.querySelector('h1').textContent), 500))") == "Tokens"
    browser.driver.refresh()


def test_by_keyboard(browser):
    """From the top to a page, past the top, and out of a console; lists that are made anew leave the focus where it was."""
    browser.go("vms")
    browser.heading("Virtual machines")
    browser.driver.execute_script("document.activeElement.blur(); window.scrollTo(0, 0)")
    reached = []
    for _ in range(30):
        browser.keys(Keys.TAB)
        reached.append(browser.focused().text)
        if reached[-1] == "Networks":
            break
    assert "Host" in reached and reached[-1] == "Networks", reached
    browser.keys(Keys.ENTER)
    browser.heading("Networks")
    browser.wait(lambda: browser.driver.title.startswith("Networks – "))
    browser.find(".skip").send_keys(Keys.ENTER)
    assert browser.focused().get_attribute("id") == "main"
    browser.keys(Keys.TAB)
    assert browser.focused().get_attribute("aria-label") == "Look inside default"
    browser.keys(Keys.ENTER)
    browser.wait(lambda: "On default" in browser.find("main").text)
    assert browser.focused().get_attribute("aria-label") == "Look inside default"
    browser.go("vm/web1")
    browser.heading("web1")
    browser.find(".xterm-helper-textarea").send_keys(Keys.TAB)
    assert "xterm" in browser.focused().get_attribute("class")
    ActionChains(browser.driver).key_down(Keys.CONTROL).send_keys(".").key_up(Keys.CONTROL).perform()
    browser.keys(Keys.TAB)
    assert browser.focused().text == "Attach a disk"


def test_the_list_of_vms_keeps_the_focus(machine, browser):
    browser.go("vms")
    browser.heading("Virtual machines")
    browser.find("main tr a").send_keys(Keys.TAB)
    assert browser.focused().get_attribute("aria-label") == "Start web1"
    browser.driver.execute_script("window.old = document.activeElement")
    assert machine.patch("/vms/web1", {"tags": ["told"]}).status == 200
    browser.wait(lambda: not browser.driver.execute_script("return window.old.isConnected"))
    assert browser.focused().get_attribute("aria-label") == "Start web1"


def test_objects_made_on_the_page(machine, browser):
    browser.go("volumes")
    browser.heading("Volumes")
    browser.fill("volume", "disk1")
    browser.fill("size", "64")
    browser.click("Create")
    browser.wait(lambda: "64.0 MiB" in browser.find("table").text)
    assert machine.json("/volumes/disk1")["size_bytes"] == 64 << 20
    browser.go("networks")
    browser.heading("Networks")
    browser.fill("network", "lab")
    browser.choose("kind", "isolated")
    browser.click("Create")
    browser.wait(lambda: "lab" in browser.find("table").text)
    assert machine.json("/networks/lab")["kind"] == "isolated"
    browser.go("tokens")
    browser.heading("Tokens")
    browser.choose("role", "viewer")
    browser.click("Create")
    assert browser.find("code.token").text.startswith("socle1.")
    browser.fill("name", "vera")
    browser.choose("userrole", "viewer")
    browser.fill("newpassword", "vera's password")
    browser.click("Save")
    browser.wait(lambda: "vera" in browser.find("main").text)
    users = machine.json("/users")["items"]
    assert [(u["name"], u["role"], u["has_password"]) for u in users] == [("vera", "viewer", True)]
    browser.shot("users")
    assert browser.errors() == []


def test_disks_and_cards_of_a_vm(machine, browser):
    """Of a VM that is off, and of one that runs: what its guest cannot have, the page says in the API's words."""
    browser.go("vm/web1")
    browser.heading("web1")
    browser.unfold("Attach a disk")
    browser.choose("source", "image/initrd.img")
    assert browser.find("[name=readonly]").is_selected() and not browser.find("[name=readonly]").is_enabled()
    browser.click("Attach")
    browser.wait(lambda: "image initrd.img read only" in browser.row("disk0").text)
    browser.unfold("Attach a network card")
    browser.choose("network", "lab")
    browser.fill("mac", "52:00:00:00:00:01")
    browser.find("[name=isolated]").click()
    browser.click("Attach")
    browser.wait(lambda: "52:00:00:00:00:01" in browser.row("net1").text)
    made = machine.json("/vms/web1")
    assert [(d["id"], d["image"], d["read_only"]) for d in made["disks"]] == [("disk0", "initrd.img", True)]
    assert [(n["id"], n["network"], n["isolated"]) for n in made["nics"]] == [("net0", "default", False), ("net1", "lab", True)]
    browser.press_in_row("net0", "Detach", True)
    browser.wait(lambda: [n["id"] for n in machine.json("/vms/web1")["nics"]] == ["net1"])
    log = "/vms/web1/consoles/0/log"
    before = machine.get(log).headers["X-Next-Offset"]
    browser.click("Start")
    browser.wait(lambda: b"SOCLE-GUEST-READY" in machine.get(f"{log}?offset={before}").body, 240)
    browser.press_in_row("net1", "Detach", True)
    browser.told('VM "web1" is running')
    browser.unfold("Attach a disk")
    browser.choose("source", "volume/disk1")
    browser.click("Attach")
    browser.told("disk1 is at 0000:00:")
    browser.find(".xterm-helper-textarea").send_keys(f"while ! grep -qx {64 * MIB // 512} /sys/block/*/size; do sleep 0.1; done; echo found $((40 + 2))\n")
    browser.wait(lambda: "found 42" in browser.screen())
    browser.shot("vm-devices")
    browser.press_in_row("disk1", "Detach", True)
    browser.wait(lambda: [d["id"] for d in machine.json("/vms/web1")["disks"]] == ["disk0"])
    browser.wait(lambda: "volume disk1" not in browser.find("main").text)
    assert all("409" in e for e in browser.errors())


NO_ANSWER = """
    const real = window.fetch;
    window.fetch = (path, what) => what && (what.headers || {}).Prefer
        ? Promise.resolve(new Response(JSON.stringify({detail: "The guest has not answered."}), {status: 504}))
        : real(path, what);
"""


def test_a_disk_that_a_guest_does_not_give_up(machine, browser):
    """It is taken away when that is confirmed, and not before."""
    browser.driver.execute_script(NO_ANSWER)
    browser.press_in_row("disk0", "Detach", True)
    assert "has not answered" in browser.answer(False)
    browser.told("has not answered")
    assert len(machine.json("/vms/web1")["disks"]) == 1
    browser.press_in_row("disk0", "Detach", True)
    browser.answer(True)
    browser.wait(lambda: machine.json("/vms/web1")["disks"] == [])
    browser.driver.refresh()


def test_a_vm_is_changed(machine, browser):
    """At once, or when it is off; what was typed stays when the page is told of other changes."""
    browser.heading("web1")
    browser.unfold("Change")
    assert not browser.find("[name=cpus]").is_enabled()
    browser.fill("description", "the first of all")
    assert machine.patch("/vms/web1", {"tags": ["front"]}).status == 200
    browser.wait(lambda: browser.find("[name=tags]").get_attribute("value") == "front")
    browser.click("Save")
    browser.wait(lambda: "the first of all" in browser.find("dl").text)
    browser.click("Power off")
    browser.wait(lambda: browser.find("[name=cpus]").is_enabled())
    browser.fill("cpus", "2")
    browser.fill("memory", "128")
    browser.find("[name=autostart]").click()
    browser.click("Save")
    browser.wait(lambda: "128 MiB" in browser.find("dl").text)
    vm = machine.json("/vms/web1")
    assert (vm["description"], vm["tags"], vm["cpu"]["count"], vm["memory"]["size_bytes"], vm["autostart"]["enabled"]) == (
        "the first of all", ["front"], 2, 128 * MIB, True)
    assert browser.errors() == []


def test_a_server_known_by_its_ca(machine, browser, pki, tmp_path):  # noqa: F811
    file = tmp_path / "export.raw"
    file.write_bytes(bytes(MIB))
    with with_tls(pki, file) as server:
        browser.go("volumes")
        browser.heading("Volumes")
        browser.unfold("New pool")
        browser.fill("newpool", "store")
        browser.choose("disk", ":nbd")
        browser.fill("server", HOST)
        browser.fill("port", str(server.port))
        browser.fill("certificate", "00" * 32)
        browser.find("details input[type=file]").send_keys(str(pki / "ca-cert.pem"))
        browser.wait(lambda: "BEGIN CERTIFICATE" in browser.find("[name=ca]").get_attribute("value"))
        browser.click("Use it")
        browser.told("One of them is enough")
        browser.find("[name=certificate]").clear()
        browser.click("Use it")
        browser.wait(lambda: "TLS by a CA" in browser.row("store").text)
        assert machine.json("/pools/store")["nbd"]["tls"] == {"ca": (pki / "ca-cert.pem").read_text()}
        browser.wait(lambda: browser.choose("pool", "store") is None)
        browser.fill("volume", "far")
        browser.fill("export", "disk")
        browser.click("Create")
        browser.wait(lambda: browser.row("far").find_element(By.CSS_SELECTOR, ".state.online"))
    browser.press_in_row("far", "Delete", True)
    browser.wait(lambda: machine.get("/volumes/far").status == 404)
    browser.press_in_row("store", "Let go", True)
    browser.wait(lambda: machine.json("/pools")["items"] == [])
    assert browser.errors() == []


def test_a_network_and_its_ports(machine, browser):
    """A forward is opened; what another has changed meanwhile is not written over."""
    browser.go("networks")
    browser.heading("Networks")
    browser.fill("network", "inner")
    browser.fill("cidr", "10.77.0.0/24")
    browser.fill("mtu", "1400")
    browser.click("Create")
    browser.wait(lambda: "10.77.0.0/24" in browser.row("inner").text)
    assert machine.json("/networks/inner")["mtu"] == 1400
    browser.press_in_row("default", "Look inside")
    browser.unfold("Forward a port")
    browser.fill("host_port", "2222")
    browser.fill("forward_vm", "web1")
    browser.fill("vm_port", "22")
    browser.click("Open it")
    browser.wait(lambda: "web1" in browser.row("tcp 2222").text)
    network = machine.json("/networks/default")
    assert network["forwards"] == [{"proto": "tcp", "host_port": 2222, "vm": "web1", "port": 22}]
    assert machine.put("/networks/default", {**network, "forwards": network["forwards"] + [
        {"proto": "udp", "host_port": 5353, "vm": "web1", "port": 53}]}).status == 200
    browser.press_in_row("tcp 2222", "Close")
    browser.told("Somebody else has changed it meanwhile.")
    browser.press_in_row("default", "Look inside")
    browser.wait(lambda: browser.row("udp 5353"))
    browser.press_in_row("udp 5353", "Close")
    browser.wait(lambda: len(machine.json("/networks/default")["forwards"]) == 1)
    browser.press_in_row("tcp 2222", "Close")
    browser.wait(lambda: machine.json("/networks/default")["forwards"] == [])
    browser.press_in_row("inner", "Delete", True)
    browser.wait(lambda: machine.get("/networks/inner").status == 404)
    assert all("412" in e for e in browser.errors())


def test_certificates_of_a_user_an_end_of_a_token_and_the_audit_log(machine, browser):
    browser.go("tokens")
    browser.heading("Tokens")
    browser.find("[name=expires]").send_keys("12312099" + Keys.TAB + "1030AM")
    browser.click("Create")
    browser.wait(lambda: [t for t in machine.json("/tokens")["items"] if t.get("expires_at", "").startswith("2099-12-31T")])
    browser.press_in_row("vera", "Change")
    browser.fill("certs", "vera@example.net\n" + "ab" * 32)
    browser.click("Save")
    browser.wait(lambda: "vera@example.net" in browser.row("vera").text)
    (vera,) = machine.json("/users")["items"]
    assert (vera["certs"], vera["has_password"], vera["role"]) == (["vera@example.net", "ab" * 32], True, "viewer")
    browser.press_in_row("vera", "Change")
    browser.find("[name=certs]").clear()
    browser.click("Save")
    browser.wait(lambda: machine.json("/users")["items"][0]["certs"] == [])
    browser.go("log")
    browser.heading("Log")
    browser.unfold("Audit: who changed what, and who tried to come in")
    browser.wait(lambda: "PUT /api/v1/users/vera" in browser.find("details table").text)
    browser.shot("audit")
    assert browser.errors() == []


def test_volumes_on_a_server_and_an_export(machine, browser, tmp_path):
    """What a server has becomes a volume; that it has gone is told; a volume of the host is exported and shown as such."""
    file = tmp_path / "export.raw"
    file.write_bytes(bytes(1 << 20))
    with qemu_nbd(file) as server:
        browser.go("volumes")
        browser.heading("Volumes")
        browser.find("details summary").click()
        browser.fill("newpool", "store")
        browser.choose("disk", ":nbd")
        browser.fill("server", HOST)
        browser.fill("port", str(server.port))
        browser.click("Use it")
        browser.wait(lambda: f"{HOST}, port {server.port}" in browser.find("main").text)
        assert machine.json("/pools/store")["nbd"]["port"] == server.port
        browser.choose("pool", "store")
        browser.fill("volume", "far")
        browser.fill("export", "disk")
        browser.click("Create")
        browser.wait(lambda: browser.row("far").find_element(By.CSS_SELECTOR, ".state.online"))
        browser.wait(lambda: browser.row("store").find_element(By.CSS_SELECTOR, ".state.online"))
        server.kill()
        browser.wait(lambda: browser.row("far").find_element(By.CSS_SELECTOR, ".state.connecting"))
        reason = machine.json("/volumes/far")["reason"]
        browser.wait(lambda: machine.json("/volumes/far")["reason"] in browser.row("far").text)
        assert len(reason) > 10
    browser.shot("volumes-connecting")
    browser.row("disk1").find_element(By.XPATH, ".//button[text()='Export']").click()
    assert browser.find("#uri").text.startswith("nbds://")
    browser.wait(lambda: "NBD, port 10809, TLS; clients: 0" in browser.row("disk1").text)
    browser.shot("volumes-export")
    browser.click("End export")
    browser.wait(lambda: "NBD" not in browser.row("disk1").text)
    assert machine.json("/volumes/disk1")["nbd"] is None
    assert machine.delete("/volumes/far").status == 204 and machine.delete("/pools/store").status == 204
    assert browser.errors() == []


def test_an_image_dropped_on_the_page(machine, browser):
    browser.go("images")
    browser.heading("Images")
    browser.driver.execute_script("""
        const data = new DataTransfer();
        data.items.add(new File(["dropped bytes"], "some file.iso"));
        document.querySelector(".drop").dispatchEvent(new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true}));
    """)
    assert browser.find("[name=image]").get_attribute("value") == "some-file.iso"
    browser.click("Upload")
    browser.wait(lambda: "some-file.iso" in browser.find("table").text)
    assert machine.get("/images/some-file.iso/data").body == b"dropped bytes"
    assert machine.json("/images/some-file.iso")["kind"] == "iso"


CUT_THE_FIRST = """
    const real = XMLHttpRequest.prototype.send;
    window.wasCut = 0;
    XMLHttpRequest.prototype.send = function (body) {
      if (body) this.upload.addEventListener("progress", (event) => {
        if (window.wasCut || event.loaded < 1e6 || event.loaded === event.total) return;
        window.wasCut = event.loaded;
        this.abort();
        this.dispatchEvent(new ProgressEvent("error"));
      });
      return real.call(this, body);
    };
    const data = new DataTransfer();
    data.items.add(new File([new Uint8Array(24 << 20).fill(7)], "cut.raw"));
    document.querySelector(".drop").dispatchEvent(new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true}));
"""


def test_an_upload_that_is_cut_off_goes_on(machine, browser):
    browser.go("images")
    browser.heading("Images")
    browser.driver.execute_script(CUT_THE_FIRST)
    browser.click("Upload")
    browser.wait(lambda: "going on" in browser.find("form.card").text)
    browser.wait(lambda: machine.get("/images/cut.raw").status == 200 and machine.json("/images/cut.raw")["state"] == "ready", 120)
    assert browser.driver.execute_script("return window.wasCut") > 1e6
    assert machine.json("/images/cut.raw")["sha256"] == hashlib.sha256(b"\7" * (24 << 20)).hexdigest()
    assert "PATCH /api/v1/images/cut.raw: 201" in machine.serial()
    assert machine.delete("/images/cut.raw").status == 204
    browser.driver.refresh()
    assert all("409" in e for e in browser.errors())  # bytes that were on their way moved the offset


class Slow(http.server.BaseHTTPRequestHandler):
    """A file of 4 MiB that stops after the first."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(4 << 20))
        self.end_headers()
        self.wfile.write(bytes(1 << 20))
        self.rfile.read(1)

    def log_message(self, *_):
        pass


def test_a_pull_and_its_end(machine, browser):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Slow) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser.go("images")
        browser.heading("Images")
        browser.find("details summary").click()
        browser.fill("url", f"http://10.0.2.2:{server.server_address[1]}/pulled.iso?x")
        browser.fill("sha256", "0" * 64)
        assert browser.find("[name=pull-name]").get_attribute("value") == "pulled.iso"
        browser.click("Pull")
        browser.wait(lambda: "pulled.iso" in browser.find("#messages").text)
        browser.go("tasks")
        browser.heading("Tasks")
        browser.wait(lambda: "1.0 MiB of 4.0 MiB" in browser.find("table").text)
        browser.shot("tasks-pull")
        browser.click("Cancel")
        browser.wait(lambda: "cancelled" in browser.find("table").text)
        server.shutdown()
    assert machine.get("/images/pulled.iso").status == 404
    assert browser.errors() == []


def test_a_pool_on_a_disk_with_a_snapshot_of_what_is_in_it(machine, browser):
    """What is on the disk is erased only when that is said and confirmed."""
    disk = wait_tables(machine)[0]["name"]
    browser.go("volumes")
    browser.heading("Volumes")
    browser.unfold("New pool")
    browser.fill("newpool", "tank")
    assert not browser.driver.find_elements(By.CSS_SELECTOR, f"[name=disk] [value='{disk}/1']")  # it can only be a volume
    assert "somebody's" in browser.find(f"[name=pool] [value='{disk}/1']").text
    browser.choose("disk", f"{disk}/0")
    browser.click("Use it")
    browser.told("There are data on this part of disk")
    browser.find("[name=erase]").click()
    browser.click("Use it")
    assert "All that is on it is lost." in browser.answer(False)
    assert machine.json("/pools")["items"] == []
    browser.click("Use it")
    browser.answer(True)
    browser.wait(lambda: browser.row("tank").find_element(By.CSS_SELECTOR, ".state.online"))
    browser.wait(lambda: browser.driver.find_elements(By.CSS_SELECTOR, "[name=pool] [value=tank]"))
    browser.fill("volume", "root")
    browser.choose("pool", "tank")
    browser.fill("size", "8")
    browser.click("Create")
    browser.wait(lambda: "8.0 MiB" in browser.row("root").text)
    browser.wait(lambda: browser.choose("from", "volume/root") is None)
    browser.fill("volume", "then")
    browser.find("[name=snapshot]").click()
    browser.click("Create")
    browser.wait(lambda: "tank, snapshot of root 8.0 MiB" in browser.row("then").text)
    snapshot = machine.json("/volumes/then")
    assert (snapshot["pool"], snapshot["read_only"], snapshot["parent"]) == ("tank", True, "root")
    browser.press_in_row("root", "Grow")
    browser.focused().send_keys(Keys.CONTROL + "a" + Keys.NULL + "12" + Keys.ENTER)
    browser.wait(lambda: "12.0 MiB" in browser.row("root").text)
    browser.shot("volumes-pool")
    for volume in ("then", "root"):
        browser.press_in_row(volume, "Delete", True)
        browser.wait(lambda: machine.get(f"/volumes/{volume}").status == 404)
    assert all("409" in e for e in browser.errors())


def test_signing_in_as_a_viewer_by_token_and_by_password(machine, browser):
    browser.click("Sign out")
    browser.fill("secret", "socle1.nobody." + "0" * 32)
    browser.click("Sign in")
    browser.wait(lambda: "no such token" in browser.find("#messages").text)
    browser.fill("secret", machine.make_token("viewer"))
    browser.click("Sign in")
    browser.wait(lambda: "viewer" in browser.find("#who").text)
    browser.click("Sign out")
    browser.fill("user", "vera")
    browser.fill("secret", "vera's passwort")
    browser.click("Sign in")
    browser.wait(lambda: "no such user" in browser.find("#messages").text)
    browser.fill("secret", "vera's password")
    browser.click("Sign in")
    browser.wait(lambda: "vera" in browser.find("#who").text and "viewer" in browser.find("#who").text)
    browser.go("vm/web1")
    browser.heading("web1")
    browser.wait(lambda: "SOCLE-GUEST-READY" in browser.find("#terminal").text)
    assert "Delete" not in browser.find("main").text
    browser.go("images")
    browser.heading("Images")
    assert not browser.driver.find_elements(By.CSS_SELECTOR, "input[type=file]")
    browser.driver.refresh()
    browser.heading("Images")  # the session lives on
