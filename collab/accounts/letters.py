"""What the mails of accounts say. Links carry their token behind `#`, which no log ever sees."""

from collab.accounts.mail import Mail

_IGNORE = "If it was not you, ignore this mail: nothing has changed.\n"


def verify(to: str, url: str, token: str) -> Mail:
    """Somebody wants an account."""
    text = (
        f"Welcome to StudyHub! To make your account, open this page within a day:\n\n"
        f"{url}/account/verify#token={token}\n\n{_IGNORE}"
    )
    return Mail(to, "Your StudyHub account", text)


def known(to: str, url: str) -> Mail:
    """Somebody wants an account who has one."""
    text = (
        "Somebody, probably you, wanted to make a StudyHub account with this address. You have one already: "
        f"sign in, or ask for a new password, at\n\n{url}/account\n\n{_IGNORE}"
    )
    return Mail(to, "Your StudyHub account", text)


def reset(to: str, url: str, token: str) -> Mail:
    """Somebody forgot the password."""
    text = (
        f"To choose a new password, open this page within an hour:\n\n"
        f"{url}/account/reset#token={token}\n\n{_IGNORE}"
    )
    return Mail(to, "A new password for StudyHub", text)


def move(to: str, url: str, token: str) -> Mail:
    """Somebody wants mail to another address."""
    text = (
        f"To use this address for your StudyHub account, open this page within a day:\n\n"
        f"{url}/account/address#token={token}\n\n{_IGNORE}"
    )
    return Mail(to, "A new address for StudyHub", text)


def notice(to: str, what: str) -> Mail:
    """Something about the account has changed that its owner should hear of."""
    text = f"{what}\n\nIf it was not you, ask for a new password at once: that signs every device out.\n"
    return Mail(to, "Your StudyHub account was changed", text)
