"""The door of the back office: signing in and out, and the password; and how sending is doing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import messages
from django.contrib.auth import login, logout, update_session_auth_hash
from django.contrib.auth.mixins import LoginRequiredMixin
from django.contrib.auth.views import RedirectURLMixin
from django.http import HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST
from django.views.generic import FormView

from agents.forms import LoginForm, OwnPasswordForm
from agents.operations import read_state
from config.kernel.actors import Role
from config.kernel.pages import OfficePage
from config.kernel.throttling import client_address

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    # Django's classes take a parameter in the stubs only.
    _LoginView = FormView[LoginForm]
    _PasswordView = FormView[OwnPasswordForm]
else:
    _LoginView = _PasswordView = FormView

_BACKEND = "django.contrib.auth.backends.ModelBackend"


@method_decorator([sensitive_post_parameters("password"), never_cache], name="dispatch")
class LoginPage(RedirectURLMixin, _LoginView):
    """Sign in, and go on to where one wanted to go."""

    form_class = LoginForm
    template_name = "agents/login.html"
    next_page = "day"

    def get_form_kwargs(self) -> dict[str, Any]:
        """Give the form what failures are counted by."""
        return {
            **super().get_form_kwargs(),
            "address": client_address(self.request),
            "now": timezone.now(),
        }

    def form_valid(self, form: LoginForm) -> HttpResponse:
        """Begin a session."""
        login(self.request, form.user, backend=_BACKEND)
        if form.user is not None and form.user.change_password_on_first_login:
            return redirect("password")
        return HttpResponseRedirect(self.get_success_url())

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Keep where one wanted to go."""
        return super().get_context_data(next=self.get_redirect_url(), **kwargs)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session."""
    logout(request)
    messages.success(request, "You have signed out.")
    return redirect("login")


@method_decorator(
    [sensitive_post_parameters("old_password", "new_password1", "new_password2"), never_cache],
    name="dispatch",
)
class PasswordPage(LoginRequiredMixin, _PasswordView):
    """Change one's own password."""

    form_class = OwnPasswordForm
    template_name = "agents/password.html"
    success_url = reverse_lazy("day")

    def get_form_kwargs(self) -> dict[str, Any]:
        """Give the form whose password it is."""
        return {**super().get_form_kwargs(), "user": self.request.user}

    def form_valid(self, form: OwnPasswordForm) -> HttpResponse:
        """Keep the new password, and this session; other sessions end."""
        update_session_auth_hash(self.request, form.save())
        messages.success(self.request, "Your password has been changed.")
        return super().form_valid(form)


@method_decorator(never_cache, name="dispatch")
class OperationsPage(OfficePage):
    """How sending is doing, for those who look after an organisation or the installation."""

    roles: ClassVar[frozenset[Role]] = frozenset({Role.SUPERVISOR, Role.ADMIN})
    is_for_operators = True

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show the queues, the signs of life, the subscriptions and the last proof."""
        now = timezone.now()
        return render(
            request,
            "agents/operations.html",
            {"place": "operations", "state": read_state(self.actor, now=now), "now": now},
        )
