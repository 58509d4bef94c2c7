"""`python -m cognito_emulator`: the whole emulator in the foreground."""

import asyncio
import os
import sys

from cognito_emulator import json_log
from cognito_emulator.emulator import Emulator, StartError
from cognito_emulator.settings import Settings, SettingsError


def main() -> int:
    """Exit status 0 after a stop by signal, 1 when the emulator cannot run, 2 for bad settings."""
    try:
        settings = Settings.read(os.environ)
    except SettingsError as error:
        print(f"cognito-emulator: {error}", file=sys.stderr)
        return 2
    json_log.configure()
    try:
        asyncio.run(Emulator(settings).run())
    except StartError as error:
        print(f"cognito-emulator: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
