"""Commands about the keys that access tokens are signed with."""

import click

from stockade.apps.cli.frame import command
from stockade.apps.installation import Installation
from stockade.identity.tokens.signing import SigningKeys


@click.group(name="tokens")
def tokens_group() -> None:
    """Access tokens: the keys that sign them. They are rotated by themselves every 30 days."""


@tokens_group.command(name="rotate")
@click.option("--compromised", is_flag=True, help="Throw every key away: tokens there are end within a minute.")
@command
async def rotate(compromised: bool) -> None:
    """Let the next key sign from now on. Tokens that the last one signed stay good until they expire."""
    installation = Installation()
    keys = SigningKeys(installation.sealer)
    async with installation.connect(size=1) as database:
        await keys.rotate(database, compromised=compromised)
    click.echo("The keys are new; programs go on by their refresh tokens." if compromised else "The next key signs.")
