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

from machine import BUILD, body_json
from test_nbd_remote import HOST, qemu_nbd

selenium = pytest.importorskip("selenium", reason="python3-selenium is not installed")

from selenium import webdriver  # noqa: E402
from selenium.webdriver.chrome.service import Service  # noqa: E402
from selenium.webdriver.common.action_chains import ActionChains  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.ui import WebDriverWait  # noqa: E402

pytestmark = pytest.mark.qemu("a browser's requests over TLS take Bochs minutes")

MACHINE = {"smp": 2, "memory": "1G", "tls": True}
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

    def go(self, page):
        self.driver.get(f"{self.url}#/{page}")

    def row(self, name):
        """The row of a table that begins with that name."""
        return self.wait(lambda: self.driver.find_element(By.XPATH, f"//tr[td[1][normalize-space()='{name}']]"))

    def heading(self, text, timeout=60):
        self.wait(lambda: text in self.driver.find_element(By.TAG_NAME, "h1").text, timeout)

    def shot(self, name):
        os.makedirs(f"{BUILD}/web", exist_ok=True)
        assert self.driver.save_screenshot(f"{BUILD}/web/{name}.png")

    def screen(self):
        """What the terminal shows."""
        return self.driver.execute_script("return document.querySelector('.xterm-rows').innerText")

    def errors(self):
        """Complaints of the page and of its security policy since the last time."""
        return [e["message"] for e in self.driver.get_log("browser") if e["level"] == "SEVERE"]


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
    browser.heading("Virtual machines")
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
    browser.wait(lambda: "SOCLE-GUEST-READY" in browser.screen(), 240)
    browser.find(".xterm-helper-textarea").send_keys("echo answer $((40 + 2))\n")
    browser.wait(lambda: "answer 42" in browser.screen())


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


@pytest.mark.parametrize("width,dark", [(360, False), (360, True), (1280, True)])
def test_every_page_fits(machine, browser, width, dark):
    browser.size(width, 780, dark)
    for name in PAGES + ["vm/web1", "new"]:
        browser.go(name)
        browser.wait(lambda: browser.driver.find_element(By.TAG_NAME, "h1"))
        browser.wait(lambda: "Loading" not in browser.find("main").text)
        if name == "log":
            browser.wait(lambda: "agent" in browser.find("pre.log").text or "audit" in browser.find("pre.log").text)
        wide = browser.driver.execute_script("return document.documentElement.scrollWidth")
        assert wide <= width, (name, wide)
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
    browser.go("vms")
    browser.heading("Virtual machines")
    browser.driver.execute_script("document.activeElement.blur(); window.scrollTo(0, 0)")
    reached = []
    for _ in range(30):
        ActionChains(browser.driver).send_keys(Keys.TAB).perform()
        reached.append(browser.driver.switch_to.active_element.text)
        if reached[-1] == "Networks":
            break
    assert "Host" in reached and reached[-1] == "Networks", reached
    ActionChains(browser.driver).send_keys(Keys.ENTER).perform()
    browser.heading("Networks")


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
