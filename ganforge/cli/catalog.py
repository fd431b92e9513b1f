"""`ganforge recipes` and `keys`."""

from __future__ import annotations

from typing import Annotated

import typer

from ganforge.cli.output import AsJson, ago, print_json, print_table, say
from ganforge.client import Client

keys = typer.Typer(help="Create, list and revoke access keys (admin).")


def recipes(
    name: Annotated[str | None, typer.Argument(help="Show this recipe with its parameters.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the recipes, or the parameters of one."""
    with Client() as client:
        found = [client.recipe(name)] if name else list(client.recipes())
    if as_json:
        print_json(found[0] if name else found)
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
    fields = recipe["params"].get("properties", {}).items()
    print_table(
        ("parameter", "default", "meaning"),
        ((field, schema.get("default"), schema.get("description")) for field, schema in fields),
        "It has no parameters.",
    )
    for preset in recipe["presets"]:
        say(f"Preset {preset['name']}: {preset['description']}")


@keys.command("list")
def list_keys(as_json: AsJson = False) -> None:
    """List the keys, without their secrets."""
    with Client() as client:
        found = list(client.keys())
    if as_json:
        print_json(found)
        return
    rows = ((k["id"], k["name"], k["owner"], k["role"], ago(k["created_at"])) for k in found)
    print_table(("key", "name", "owner", "role", "created"), rows, "No keys.")


@keys.command("create")
def create_key(
    name: Annotated[str, typer.Argument(help="The key's purpose.")],
    owner: Annotated[str | None, typer.Option(help="The owner whose jobs it sees; default: the name.")] = None,
    role: Annotated[str, typer.Option(help="admin, user or viewer.")] = "user",
    queued: Annotated[int | None, typer.Option(help="Maximum of waiting jobs; default: the service's limit.")] = None,
    running: Annotated[int | None, typer.Option(help="Maximum of running jobs.")] = None,
    stored_bytes: Annotated[int | None, typer.Option(help="Maximum of stored bytes.")] = None,
    as_json: AsJson = False,
) -> None:
    """Create a key and print it; it is shown only once."""
    with Client() as client:
        asked = {"queued": queued, "running": running, "stored_bytes": stored_bytes}
        quotas = {name: limit for name, limit in asked.items() if limit is not None}
        made = client.create_key(name, owner=owner, role=role, quotas=quotas)
    if as_json:
        print_json(made)
        return
    say(made["key"])


@keys.command("revoke")
def revoke_key(
    key_id: Annotated[str, typer.Argument(metavar="KEY", help="The key's id, from `ganforge keys list`.")],
) -> None:
    """Revoke a key at once."""
    with Client() as client:
        client.revoke_key(key_id)
    say(f"{key_id} is revoked")
