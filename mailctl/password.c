/* Contract in password.h. */
#include <crypt.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <bsd/readpassphrase.h>
#include <bsd/stdlib.h>

#include "lib/base/text.h"
#include "mailctl/mailctl.h"
#include "mailctl/password.h"

#define GENERATED	20	/* of 32 letters: 100 bits */

/*
 * One octet at a time, so that nothing behind the line is taken from a
 * caller who has more on the same pipe.
 */
static int
read_line(char out[AUTH_PASSWORD_MAX + 1])
{
	size_t	 len = 0;
	ssize_t	 n;
	char	 c;

	while ((n = read(STDIN_FILENO, &c, 1)) != 0) {
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return complain(EX_IOERR, "standard input: %s",
			    strerror(errno));
		if (c == '\n')
			break;
		if (len == AUTH_PASSWORD_MAX)
			return complain(EX_DATAERR, "the password is longer "
			    "than %d octets", AUTH_PASSWORD_MAX);
		out[len++] = c;
		if (c == '\0')
			return complain(EX_DATAERR,
			    "the password holds a NUL octet");
	}
	if (len > 0 && out[len - 1] == '\r')
		len--;
	out[len] = '\0';
	return EX_OK;
}

static int
ask(char out[AUTH_PASSWORD_MAX + 1])
{
	char	 again[AUTH_PASSWORD_MAX + 1];
	int	 code = EX_OK;

	if (readpassphrase("New password: ", out, AUTH_PASSWORD_MAX + 1,
	    RPP_ECHO_OFF | RPP_REQUIRE_TTY) == NULL ||
	    readpassphrase("Once more: ", again, sizeof(again),
	    RPP_ECHO_OFF | RPP_REQUIRE_TTY) == NULL)
		return complain(EX_NOINPUT, "no terminal to ask for the "
		    "password; use --stdin or --generate");
	if (strcmp(out, again) != 0)
		code = complain(EX_DATAERR, "the two are not the same");
	explicit_bzero(again, sizeof(again));
	return code;
}

static int
check(const char *password)
{
	const char	*p;

	if (password[0] == '\0')
		return complain(EX_DATAERR, "the password is empty");
	for (p = password; *p != '\0'; p++)
		if (text_is_control(*p))
			return complain(EX_DATAERR,
			    "the password holds a control character");
	return EX_OK;
}

int
password_get(enum password_source source, char out[AUTH_PASSWORD_MAX + 1])
{
	/* No letter looks like another. */
	static const char	 letters[] = "abcdefghjkmnpqrstuvwxyz123456789";
	int			 code = EX_OK;
	size_t			 i;

	switch (source) {
	case PASSWORD_ASK:
		code = ask(out);
		break;
	case PASSWORD_STDIN:
		code = read_line(out);
		break;
	case PASSWORD_GENERATE:
		for (i = 0; i < GENERATED; i++)
			out[i] = letters[arc4random_uniform(
			    sizeof(letters) - 1)];
		out[i] = '\0';
		break;
	}
	if (code == EX_OK)
		code = check(out);
	if (code != EX_OK)
		explicit_bzero(out, AUTH_PASSWORD_MAX + 1);
	return code;
}

int
password_hash(const char *scheme, const char *password, char *out,
    size_t size)
{
	static const struct {
		const char	*scheme, *name, *prefix;
	} known[] = {
		{ "yescrypt", "{CRYPT}", "$y$" },
		{ "sha512-crypt", "{SHA512-CRYPT}", "$6$" },
		{ "bcrypt", "{BLF-CRYPT}", "$2b$" },
	};
	struct crypt_data	 data;
	char			 salt[CRYPT_GENSALT_OUTPUT_SIZE], *hash;
	size_t			 i;
	int			 n = -1;

	for (i = 0; strcmp(known[i].scheme, scheme) != 0; i++)
		if (i + 1 == sizeof(known) / sizeof(known[0])) {
			errno = EINVAL;
			return -1;
		}
	if (crypt_gensalt_rn(known[i].prefix, 0, NULL, 0, salt,
	    sizeof(salt)) == NULL)
		return -1;
	memset(&data, 0, sizeof(data));
	hash = crypt_rn(password, salt, &data, sizeof(data));
	if (hash != NULL)
		n = snprintf(out, size, "%s%s", known[i].name, hash);
	explicit_bzero(&data, sizeof(data));
	if (n < 0 || (size_t)n >= size) {
		errno = hash == NULL ? EINVAL : ERANGE;
		return -1;
	}
	return 0;
}
