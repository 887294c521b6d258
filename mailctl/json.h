/* JSON (RFC 8259) written as it comes, for --json. */
#ifndef MAILCTL_JSON_H
#define MAILCTL_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct json {
	FILE	*f;
	bool	 comma;		/* a value stands before this place */
};

void	 json_init(struct json *, FILE *);
/* key is NULL inside an array and at the top. */
void	 json_open(struct json *, const char *key, char bracket);
/* '}' or ']'.  At the top json_line() ends the line. */
void	 json_close(struct json *, char bracket);
void	 json_line(struct json *);
/* The whole as a list on stdout; nothing when it is not wanted. */
void	 json_list_begin(struct json *, bool wanted);
void	 json_list_end(struct json *, bool wanted);
/*
 * Octets that are not UTF-8 become U+FFFD: JSON has no other text.  NULL is
 * null.
 */
void	 json_string(struct json *, const char *key, const char *value);
void	 json_number(struct json *, const char *key, int64_t value);
void	 json_unsigned(struct json *, const char *key, uint64_t value);
void	 json_bool(struct json *, const char *key, bool value);

#endif
