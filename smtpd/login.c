/* Contract in login.h. */
#include <stddef.h>

#include "smtpd/login.h"

/* The same for an unknown user and for a wrong password. */
static const struct command_error	 wrong = { 535, "5.7.8",
    "user name or password is wrong" };
static const struct command_error	 disabled = { 525, "5.7.13",
    "this account may not send mail here" };
static const struct command_error	 later = { 454, "4.7.0",
    "cannot check passwords now, try again later" };
static const struct command_error	 malformed = { 501, "5.5.2",
    "this is no response of that mechanism" };

const struct command_error *
login_reply_end(enum sasl_end end)
{
	static const struct command_error	 cancelled = { 501, "5.7.0",
	    "authentication cancelled" };
	static const struct command_error	 foreign = { 535, "5.7.8",
	    "nobody may act as somebody else here" };

	switch (end) {
	case SASL_END_READY:
	case SASL_END_LOST:
		break;
	case SASL_END_CANCELLED:
		return &cancelled;
	case SASL_END_MALFORMED:
		return &malformed;
	case SASL_END_FOREIGN:
		return &foreign;
	case SASL_END_WRONG:
		return &wrong;
	case SASL_END_DISABLED:
		return &disabled;
	case SASL_END_LATER:
		return &later;
	}
	return NULL;
}

const struct command_error *
login_reply_toolong(void)
{
	static const struct command_error	 toolong = { 500, "5.5.6",
	    "line of the authentication exchange is too long" };

	return &toolong;
}

const struct command_error *
login_reply_verdict(enum auth_verdict v)
{
	switch (v) {
	case AUTH_OK:
		break;
	case AUTH_BAD:
		return &wrong;
	case AUTH_LATER:
		return &later;
	case AUTH_DISABLED:
		return &disabled;
	}
	return NULL;
}

const struct command_error *
login_reply_start(bool unsafe)
{
	static const struct command_error	 clear = { 538, "5.7.11",
	    "this mechanism needs TLS" };
	static const struct command_error	 unknown = { 504, "5.5.4",
	    "no such mechanism here" };

	return unsafe ? &clear : &unknown;
}

bool
login_is_failure(const struct command_error *err)
{
	return err->code == 535 || err->code == 525;
}
