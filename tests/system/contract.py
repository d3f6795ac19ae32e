# SPDX-License-Identifier: BSD-2-Clause
"""Compares what a host answers with what mgmt/openapi.json says it does: every reply of every test that asks by Backend.request."""

import functools
import json
import os
import re
import urllib.parse

import jsonschema

DOCUMENT = os.path.join(os.path.dirname(__file__), "../../mgmt/openapi.json")


def closed(schema):
    """The same, where no object has members that are not told of, unless it says that it may."""
    if isinstance(schema, list):
        return [closed(s) for s in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {key: closed(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and "allOf" not in schema:
        schema.setdefault("additionalProperties", False)
    return schema


class Contract:
    def __init__(self):
        with open(DOCUMENT) as f:
            self.document = json.load(f)
        self.document["components"]["schemas"] = closed(self.document["components"]["schemas"])
        self.resolver = jsonschema.RefResolver("", self.document)
        # A name in a path is anything but a slash; paths without names go first.
        self.paths = sorted(((re.compile(re.sub(r"\{\w+\}", "[^/]+", path) + "$"), operations)
                             for path, operations in self.document["paths"].items()), key=lambda p: p[0].pattern.count("[^/]+"))

    def operation(self, method, path):
        for pattern, operations in self.paths:
            if pattern.match(path):
                return operations.get({"HEAD": "get"}.get(method, method.lower()))
        return None

    def response(self, method, path, status):
        """What the document says of this status; None: nothing."""
        operation = self.operation(method, path)
        if operation is None:  # what does not exist is answered with a problem
            found = self.document["components"]["responses"]["problem"] if status in (401, 403, 404, 405) else None
        else:
            found = operation["responses"].get(str(status)) or (operation["responses"].get("default") if status >= 300 else None)
        return self.resolver.resolve(found["$ref"])[1] if found and "$ref" in found else found

    def fault(self, method, path, reply):
        """A sentence if the reply is not as it should be, or None."""
        path = urllib.parse.urlsplit(path).path
        if not path.startswith("/api/v1/") or method == "OPTIONS":
            return None
        told = self.response(method, path, reply.status)
        if told is None:
            return f"{method} {path}: {reply.status} is not in openapi.json"
        kind = (reply.headers.get("Content-Type") or "").split(";")[0]
        if method == "HEAD" or (not reply.body and not told.get("content")):
            return None
        if kind not in told.get("content", {}):
            return f"{method} {path}: {reply.status} comes as {kind or 'nothing'}, and openapi.json says {list(told.get('content', {}))}"
        if kind not in ("application/json", "application/problem+json"):
            return None
        schema = closed(told["content"][kind].get("schema", {}))
        errors = jsonschema.Draft202012Validator(schema, resolver=self.resolver).iter_errors(json.loads(reply.body))
        for error in errors:
            where = "/".join(map(str, error.absolute_path))
            return f"{method} {path}: {reply.status}, at \"{where}\": {error.message[:300]}"
        return None


@functools.cache
def contract():
    return Contract()


def check(method, path, reply):
    fault = contract().fault(method, path, reply)
    log = os.environ.get("SOCLE_CONTRACT_LOG")
    if fault and log:
        with open(log, "a") as f:
            f.write(fault + "\n")
    else:
        assert not fault, f"{fault}; the answer: {reply.body[:500]!r}"
