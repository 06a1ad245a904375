"""PKCS#11 libraries of the tokens that French authorities meet, per system: data, no code.

Vendor first, OpenSC then SoftHSM last; inside a product only the first existing path is loaded.
`%NAME%` stands for an environment variable, `*` for one folder level (newest by name wins).
Paths outside Debian come from public projects and vendors' packagings: tried, not relied on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Product:
    """A token driver. `windows_32` are libraries that a 64-bit agent cannot load."""

    name: str
    windows: tuple[str, ...] = ()
    macos: tuple[str, ...] = ()
    linux: tuple[str, ...] = ()
    windows_32: tuple[str, ...] = ()


_SYS = r"%SystemRoot%\System32"
_PF = "%ProgramFiles%"
_PF32 = "%ProgramFiles(x86)%"
_MULTIARCH = ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu")


def _in(folders: tuple[str, ...], *names: str) -> tuple[str, ...]:
    return tuple(f"{folder}/{name}" for name in names for folder in folders)


PRODUCTS: tuple[Product, ...] = (
    Product(
        "SafeNet Authentication Client (eToken)",
        windows=(rf"{_SYS}\eTPKCS11.dll", rf"{_SYS}\eToken.dll"),
        macos=(
            "/usr/local/lib/libeTPkcs11.dylib",
            "/Library/Frameworks/eToken.framework/Versions/Current/libeToken.dylib",
            "/Library/Frameworks/eToken.framework/Versions/A/libeToken.dylib",
        ),
        linux=(
            *_in(
                ("/usr/lib64/pkcs11", "/usr/lib/pkcs11", "/usr/lib64", "/usr/lib"),
                "libeTPkcs11.so",
            ),
            *_in(
                ("/usr/lib64", "/usr/lib", "/usr/lib/pkcs11", *_MULTIARCH, "/usr/local/lib"),
                "libeToken.so",
            ),
        ),
    ),
    Product(
        "IDPrime (Thales)",
        windows=(
            rf"{_PF}\SafeNet\Authentication\SAC\x64\IDPrimePKCS1164.dll",
            rf"{_PF}\Gemalto\IDGo 800 PKCS#11\IDPrimePKCS1164.dll",
            rf"{_PF}\Gemalto\IDGo 800 PKCS11\IDPrimePKCS1164.dll",
            rf"{_SYS}\idprimepkcs11.dll",
        ),
        windows_32=(rf"{_PF32}\Gemalto\IDGo 800 PKCS#11\IDPrimePKCS11.dll",),
        macos=(
            "/Library/Frameworks/eToken.framework/Versions/A/libIDPrimePKCS11.dylib",
            "/Library/Gemalto/libidprimepkcs11.dylib",
            "/usr/local/lib/libIDPrimePKCS11.dylib",
            "/Library/Frameworks/GemaltoIDGo800PKCS11.framework/GemaltoIDGo800PKCS11",
        ),
        linux=_in(
            ("/usr/lib/pkcs11", "/usr/lib", "/usr/lib64", "/lib"),
            "libIDPrimePKCS11.so",
            "libIDPrimePKCS11.so.10",
        ),
    ),
    Product(
        "Gemalto Classic Client",
        windows=(
            rf"{_PF}\Thales\Classic Client\BIN\gclib.dll",
            rf"{_PF}\Gemalto\Classic Client\BIN\gclib.dll",
            rf"{_PF}\Gemplus\GemSafe Libraries\BIN\gclib.dll",
            rf"{_SYS}\gclib.dll",
        ),
        macos=("/usr/local/lib/libgclib.dylib",),
        linux=("/usr/lib/pkcs11/libgclib.so", "/usr/lib/ClassicClient/libgclib.so"),
    ),
    Product(
        "AWP (IDEMIA, Oberthur)",
        windows=(
            rf"{_PF}\IDEMIA\AWP\DLLs\OcsCryptoki.dll",
            rf"{_PF}\Oberthur Technologies\AWP\DLLs\OcsCryptoki.dll",
            rf"{_PF}\Oberthur Technologies\AuthentIC Webpack\DLLs\OCSCryptoki.dll",
            rf"{_SYS}\OcsCryptoki.dll",
            rf"{_SYS}\OcsPKCS11Wrapper.dll",
        ),
        windows_32=(
            rf"{_PF32}\Oberthur Technologies\AWP\DLLs\OcsCryptolib_P11.dll",
            rf"{_PF32}\Oberthur Technologies\AWP\DLLs\OcsCryptoki.dll",
        ),
        macos=(
            "/Library/AWP/lib/libOcsCryptoki.dylib",
            "/Library/AWP/lib/libOcsPKCS11Wrapper.dylib",
        ),
        linux=("/usr/local/AWP/lib/libOcsCryptoki.so", "/usr/lib/libOcsCryptoki.so"),
    ),
    Product(
        "IDPlug Classic (IDEMIA)",
        windows=(
            rf"{_PF}\IDEMIA\IDPlugClassic\DLLs\idplug-pkcs11.dll",
            rf"{_PF32}\IDEMIA\IDPlugClassic\DLLs\idplug-pkcs11.dll",
        ),
        macos=("/Library/Application Support/com.idemia.idplug/lib/libidplug-pkcs11*.dylib",),
        linux=("/usr/lib/idplugclassic/libidplug-pkcs11.so",),
    ),
    Product(
        "SafeSign Identity Client (A.E.T.)",
        windows=(rf"{_SYS}\aetpkss1.dll",),
        macos=(
            "/usr/local/lib/libaetpkss.dylib",
            "/Applications/tokenadmin.app/Contents/Frameworks/libaetpkss.dylib",
        ),
        linux=(
            "/usr/lib/libaetpkss.so.3",
            "/usr/lib/libaetpkss.so",
            "/usr/lib64/libaetpkss.so",
        ),
    ),
    Product(
        "CPS (ANS)",
        windows=(rf"{_SYS}\cps3_pkcs11_w64.dll", rf"{_PF}\santeestoolbox\cps3_pkcs11_w64.dll"),
        windows_32=(rf"{_PF32}\santeestoolbox\cps3_pkcs11_w32.dll",),
        macos=(
            "/usr/local/lib/libcps3_pkcs11_osx.dylib",
            "/Library/Frameworks/cps3.framework/cps3_pkcs11",
        ),
        linux=(
            "/usr/local/galss/libcps3_pkcs11_lux.so",
            "/usr/lib/libcps3_pkcs11.so",
            "/usr/local/lib/libcps3_pkcs11.so",
        ),
    ),
    Product(
        "CardOS API (Atos)",
        windows=(rf"{_SYS}\siecap11.dll",),
        linux=("/usr/local/lib/libsiecap11.so",),
    ),
    Product(
        "cryptovision sc/interface",
        windows=(rf"{_SYS}\cvP11.dll",),
        macos=("/Library/CV Cryptovision/libcvp11.dylib",),
        linux=("/usr/lib/libcvP11.so", "/usr/local/lib64/libcvP11.so"),
    ),
    Product(
        "Charismathics",
        windows=(
            rf"{_SYS}\cmP1164.dll",
            rf"{_SYS}\cmP11.dll",
            rf"{_PF}\Charismathics\PKCS11\cmP1164.dll",
        ),
        macos=("/Applications/Charismathics/libcmP11.dylib",),
        linux=("/usr/lib/libcmP11.so",),
    ),
    Product(
        "Bit4id",
        windows=(rf"{_SYS}\bit4xpki.dll", rf"{_SYS}\bit4ipki.dll", rf"{_SYS}\bit4opki.dll"),
        macos=(
            "/Library/bit4id/pkcs11/libbit4xpki.dylib",
            "/Library/bit4id/pkcs11/libbit4ipki.dylib",
        ),
        linux=(
            "/usr/lib/libbit4xpki.so",
            "/usr/lib/libbit4ipki.so",
            "/usr/lib64/libbit4ipki.so",
        ),
    ),
    Product(
        "Athena IDProtect",
        windows=(rf"{_SYS}\asepkcs.dll",),
        macos=(
            "/Library/Application Support/Athena/libASEP11.dylib",
            "/usr/local/lib/libASEP11.dylib",
        ),
        linux=("/usr/lib/x64-athena/libASEP11.so", "/usr/lib/libASEP11.so"),
    ),
    Product(
        "Feitian ePass2003",
        windows=(rf"{_SYS}\eps2003csp11v2.dll", rf"{_SYS}\eps2003csp11.dll"),
        macos=("/usr/local/lib/libcastle.1.0.0.dylib",),
        linux=(
            "/opt/ePass2003-Castle-*/x64/redist/libcastle.so.1.0.0",
            "/usr/lib/libcastle.so.1.0.0",
        ),
    ),
    Product(
        "YubiKey PIV",
        windows=(rf"{_PF}\Yubico\Yubico PIV Tool\bin\libykcs11.dll",),
        macos=("/usr/local/lib/libykcs11.dylib", "/opt/homebrew/lib/libykcs11.dylib"),
        linux=_in((*_MULTIARCH, "/usr/lib64", "/usr/local/lib"), "libykcs11.so"),
    ),
    Product(
        "OpenSC",
        windows=(rf"{_PF}\OpenSC Project\OpenSC\pkcs11\opensc-pkcs11.dll",),
        macos=(
            "/Library/OpenSC/lib/opensc-pkcs11.so",
            "/opt/homebrew/lib/opensc-pkcs11.so",
            "/usr/local/lib/opensc-pkcs11.so",
        ),
        linux=_in(
            (*_MULTIARCH, "/usr/lib64", "/usr/lib64/pkcs11", "/usr/lib/pkcs11"),
            "opensc-pkcs11.so",
            "pkcs11/opensc-pkcs11.so",
        ),
    ),
    Product(
        "SoftHSM2",
        windows=(r"C:\SoftHSM2\lib\softhsm2-x64.dll",),
        macos=(
            "/opt/homebrew/lib/softhsm/libsofthsm2.so",
            "/usr/local/lib/softhsm/libsofthsm2.so",
        ),
        linux=_in(("/usr/lib", *_MULTIARCH, "/usr/lib64"), "softhsm/libsofthsm2.so"),
    ),
)

# A CA store, a proxy that shows everything twice, a spy, a browser's own store: never tokens.
NEVER_LOADED = ("p11-kit-trust", "p11-kit-proxy", "softokn3", "pkcs11-spy", "nssckbi")
