/*
 * The file of app passwords (merpati-app-passwords(5)), a line each:
 *
 *	user:name:hash:created[:services]
 *
 * One password a program or device, each with a name and revocable.  They are
 * made by mailctl(8), 100 random bits each.  Such a one cannot be guessed
 * however fast the hash is, so it is one SHA-256 with a salt: trying all
 * of a user's costs less than a packet, and a wrong password costs what it did
 * without them.
 */
#ifndef STORE_APP_PASSWORDS_H
#define STORE_APP_PASSWORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"

#define APP_PASSWORDS_FILE_MAX	((size_t)1 << 29)	/* octets */
#define APP_PASSWORDS_USER	32	/* of one user */
#define APP_PASSWORD_NAME	64	/* octets */
#define APP_PASSWORD_HASH	80	/* with its NUL */

enum {
	APP_SMTP = 1,
	APP_POP3 = 2,
	APP_IMAP = 4
};

struct app_password {
	const char	*user;		/* as of users.h: lower case, domain */
	const char	*name;
	const char	*hash;		/* "{SSHA256}..." */
	const char	*created;	/* "20261121T103000Z" */
	unsigned int	 services;	/* 0: any */
	uint32_t	 line;
};

struct app_passwords;

/*
 * The right lines; the wrong ones, "NAME:LINE: reason", in err, which gets
 * nothing when there is none.
 */
struct app_passwords	*app_passwords_parse(const char *file,
			    const char *data, size_t len, struct buf *err);
void			 app_passwords_free(struct app_passwords *);
size_t			 app_passwords_count(const struct app_passwords *);
/* The user's, *n of them side by side in the order of their names. */
const struct app_password *app_passwords_of(const struct app_passwords *,
			    const char *user, size_t *n);
/* All, by user and name. */
const struct app_password *app_passwords_all(const struct app_passwords *,
			    size_t *n);

/* May it be used for "smtp", "pop3", "imap"? */
bool	 app_password_serves(const struct app_password *,
	    const char *service);
/* The bits of "imap,smtp"; false when a word is none of the three. */
bool	 app_password_services(const char *words, unsigned int *out);
/* UTF-8 without control octets and colons, no blanks at its ends. */
bool	 app_password_name_ok(const char *name);
void	 app_password_hash(const char *password,
	    char out[APP_PASSWORD_HASH]);
bool	 app_password_fits(const char *hash, const char *password);

#endif
