/* Contract in report.h. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "deliver/report.h"
#include "lib/base/text.h"

int
report(int code, const char *fmt, ...)
{
	char	 line[1024], *p;
	va_list	 ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	/* It may quote a server or an argument: nothing for a terminal. */
	for (p = line; *p != '\0'; p++)
		if (text_is_control(*p))
			*p = '?';
	fprintf(stderr, "deliver: %s\n", line);
	return code;
}

int
report_exit_code(const struct smtp_reply *r)
{
	static const struct {
		const char	*prefix;	/* of the enhanced code */
		int		 code;
	} known[] = {
		{ "5.1.2", EX_NOHOST },
		{ "5.1.7", EX_DATAERR },	/* bad sender syntax */
		{ "5.1.8", EX_NOPERM },		/* bad sender domain */
		{ "5.1.3", EX_DATAERR },	/* bad recipient syntax */
		{ "5.1.", EX_NOUSER },
		{ "5.2.3", EX_DATAERR },	/* too large for the mailbox */
		{ "5.3.4", EX_DATAERR },	/* too large for the system */
		{ "5.6.", EX_DATAERR },
		{ "5.7.", EX_NOPERM },
	};
	const char	*e = smtp_reply_enhanced(r);
	size_t		 i;

	if (r->code < 500)
		return EX_TEMPFAIL;
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strncmp(e, known[i].prefix, strlen(known[i].prefix)) == 0)
			return known[i].code;
	return r->code == 552 ? EX_DATAERR : EX_UNAVAILABLE;
}
