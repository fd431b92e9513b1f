"""`ganforge recipes` and `keys`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

from ganforge.cli import completion
from ganforge.cli.group import group
from ganforge.cli.ids import chosen_id
from ganforge.cli.output import AsJson, ago, as_typed, print_items, print_json, print_table, say, tell
from ganforge.client import Client


def recipes(
    name: Annotated[
        str | None,
        typer.Argument(metavar="RECIPE", help="Show this recipe's parameters.", autocompletion=completion.recipes),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List recipes, or the parameters of one."""
    with Client() as client:
        found = [client.recipe(name)] if name else list(client.recipes())
    if as_json:
        print_json(found[0]) if name else print_items(found)
        return
    if not name:
        rows = (
            (r["name"], ", ".join(r["queues"]), ", ".join(p["name"] for p in r["presets"]), r["images"], r["title"])
            for r in found
        )
        print_table(("recipe", "queues", "presets", "images", "title"), rows, "No recipes.")
        return
    recipe = found[0]
    needs = {"classes": ", in classes", "domains": ", of two domains or in classes"}.get(recipe["needs"], "")
    say(f"{recipe['title']}: {recipe['description']}")
    say(f"Images: {recipe['images']}{needs}.")
    fields = recipe["params"].get("properties", {})
    parameters = (row for field, schema in fields.items() for row in _parameter(field, schema))
    print_table(("parameter", "default", "meaning"), parameters, "It has no parameters.")
    for preset in recipe["presets"]:
        say(f"Preset {preset['name']}: {preset['description']}")


def _parameter(name: str, schema: Mapping[str, Any]) -> Iterator[tuple[str, str, str | None]]:
    """Yield the rows of a parameter, as `--set` takes it: `grid_every.epochs` and `1` for a value within another."""
    default, meaning = schema.get("default"), schema.get("description")
    if isinstance(default, dict) and default:
        for number, (inner, value) in enumerate(default.items()):
            yield f"{name}.{inner}", as_typed(value), meaning if number == 0 else None
    else:
        yield name, "" if default == {} else as_typed(default), meaning


def list_keys(as_json: AsJson = False) -> None:
    """List access keys, without their secrets."""
    with Client() as client:
        found = list(client.keys())
    if as_json:
        print_items(found)
        return
    rows = ((k["id"], k["name"], k["owner"], k["role"], ago(k["created_at"])) for k in found)
    print_table(("key", "name", "owner", "role", "created"), rows, "No keys.")


keys = group("List, create and revoke access keys: your own, or as an admin all.", list_keys)


@keys.command("create")
def create_key(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the key is for.")],
    owner: Annotated[
        str | None,
        typer.Option(
            help="Owner of the jobs it sees (admin). Default: an admin's new key has its name, others your owner."
        ),
    ] = None,
    role: Annotated[str, typer.Option(help="admin, user or viewer; at most your own.")] = "user",
    queued: Annotated[
        int | None, typer.Option(help="Maximum number of waiting jobs. Default: the service's, or yours.")
    ] = None,
    running: Annotated[int | None, typer.Option(help="Maximum number of running jobs. Default: the service's.")] = None,
    stored_bytes: Annotated[int | None, typer.Option(help="Maximum of stored bytes. Default: the service's.")] = None,
    as_json: AsJson = False,
) -> None:
    """Create a key and print its secret, which is shown only once."""
    with Client() as client:
        asked = {"queued": queued, "running": running, "stored_bytes": stored_bytes}
        quotas = {name: limit for name, limit in asked.items() if limit is not None}
        made = client.create_key(name, owner=owner, role=role, quotas=quotas)
    tell(as_json, made, made["key"])


@keys.command("revoke")
def revoke_key(
    key_id: Annotated[
        str,
        typer.Argument(metavar="KEY", help="A key's id, its last digits, or its name.", autocompletion=completion.keys),
    ],
    as_json: AsJson = False,
) -> None:
    """Revoke a key. It stops working immediately; this cannot be undone."""
    with Client() as client:
        chosen = chosen_id(client.keys(), key_id, "key", listed="ganforge keys")
        client.revoke_key(chosen)
    tell(as_json, {"id": chosen, "revoked": True}, f"{chosen} is revoked")
