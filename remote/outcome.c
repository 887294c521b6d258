/* Contract in outcome.h. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <bsd/string.h>

#include "remote/outcome.h"

void
outcome_of_reply(struct remote_outcome *o, const struct smtp_reply *r)
{
	const char	*enhanced = smtp_reply_enhanced(r);
	int		 n;

	switch (r->code / 100) {
	case 2:
		o->verdict = MAIL_OK;
		break;
	case 5:
		o->verdict = MAIL_PERM;
		break;
	case 4:
		o->verdict = MAIL_TEMP;
		break;
	default:
		o->verdict = MAIL_TEMP;
		enhanced = "4.5.0";
	}
	strlcpy(o->code, enhanced, sizeof(o->code));
	/* Cut where it is too long: the front says what is the matter. */
	n = snprintf(o->text, sizeof(o->text), "%d%s%s%s%s", r->code,
	    r->enhanced[0] != '\0' ? " " : "", r->enhanced,
	    r->text[0] != '\0' ? " " : "", r->text);
	if (n < 0)
		o->text[0] = '\0';
	o->said = true;
}

void
outcome_set(struct remote_outcome *o, const char *code, const char *fmt, ...)
{
	va_list	 ap;

	o->verdict = code[0] == '2' ? MAIL_OK :
	    code[0] == '5' ? MAIL_PERM : MAIL_TEMP;
	strlcpy(o->code, code, sizeof(o->code));
	va_start(ap, fmt);
	vsnprintf(o->text, sizeof(o->text), fmt, ap);
	va_end(ap);
	o->said = false;
}

void
outcome_copy(struct remote_outcome *to, const struct remote_outcome *from)
{
	unsigned int	 number = to->number;

	*to = *from;
	to->number = number;
}

bool
outcome_too_many(const struct smtp_reply *r)
{
	const char	*e = r->enhanced;

	if (r->code == 452)
		return e[0] == '\0' || strcmp(e, "4.5.3") == 0;
	return r->code == 552 && (e[0] == '\0' || strcmp(e, "5.5.3") == 0);
}
