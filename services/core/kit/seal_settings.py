"""Settings of sealing: the keys, from the environment or a file, and the cipher."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, ValidationInfo
from pydantic_settings import BaseSettings

from services.core.kit.sealing import CipherName, Seal


def _checked_key(secret: SecretStr) -> SecretStr:
    """Return the setting of sealing keys unchanged.

    Raises:
        ValueError: it does not hold keys.
    """
    Seal.read(secret.get_secret_value())
    return secret


def _checked_file(path: Path, info: ValidationInfo) -> Path:
    """Return the setting of a key file unchanged.

    Raises:
        ValueError: the file cannot be read or does not hold keys, or the keys are set as well.
    """
    if info.data.get("secret_key") is not None:
        raise ValueError("WUFEI_SECRET_KEY is set too: leave one of the two out")
    try:
        Seal.read(path.read_text(encoding="ascii"))
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"cannot be read: {error}") from None
    return path


class SealSettings(BaseSettings):
    """Settings of processes that seal and open secrets."""

    secret_key: Annotated[SecretStr, AfterValidator(_checked_key)] | None = Field(
        default=None,
        validation_alias="WUFEI_SECRET_KEY",
        description="Keys of 32 bytes in base64, separated by commas, that seal secrets and sign"
        " sheets: the first seals, each opens; without one nothing is sealed or opened",
    )
    secret_key_file: Annotated[Path, AfterValidator(_checked_file)] | None = Field(
        default=None,
        validation_alias="WUFEI_SECRET_KEY_FILE",
        description="File that holds the same in place of `WUFEI_SECRET_KEY`",
    )
    seal_cipher: CipherName = Field(
        default="aes-256-gcm",
        validation_alias="WUFEI_SEAL_CIPHER",
        description="Cipher that secrets are sealed with: `aes-256-gcm` or `sm4-gcm`; each opens"
        " what the other sealed",
    )

    @property
    def seal(self) -> Seal | None:
        """Return the seal of the configured keys; None: no key is set."""
        if self.secret_key_file is not None:
            return Seal.read(self.secret_key_file.read_text(encoding="ascii"), self.seal_cipher)
        if self.secret_key is not None:
            return Seal.read(self.secret_key.get_secret_value(), self.seal_cipher)
        return None
