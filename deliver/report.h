/* What a person or program that called deliver(1) gets to know. */
#ifndef DELIVER_REPORT_H
#define DELIVER_REPORT_H

#include "lib/net/smtp_reply.h"

/* Print "deliver: ..." to standard error; returns code. */
int	 report(int code, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));

/* The exit code, sysexits(3), for a reply that was no success. */
int	 report_exit_code(const struct smtp_reply *);

#endif
