"""What every patch uses: a decorator that puts a function around one of moto's methods, and refusals as AWS words them."""

import functools

from moto.core.exceptions import ServiceException


def patched(owner, name=None):
    """Replaces a method of moto's class; the function gets the method that was there as its first argument."""

    def wrap(function):
        key = name or function.__name__
        original = getattr(owner, key, None)

        @functools.wraps(function)
        def replacement(self, *args, **kwargs):
            return function(original, self, *args, **kwargs)

        replacement.__name__ = key
        setattr(owner, key, replacement)
        return function

    return wrap


class Refusal(ServiceException):
    """moto looks errors up by the package that their class is of; EC2's model names none, so that any code passes."""

    __module__ = "moto.ec2.exceptions"


def refuse(code, message):
    """Answers the call with that error, in the shape of the service's protocol."""
    raise Refusal(code, message)


def missing(ids, known):
    """The ids of a request that do not exist, in the request's order: AWS names only these."""
    return [id_ for id_ in ids or [] if id_ not in known]
