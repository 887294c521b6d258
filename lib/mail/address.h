/*
 * Mail addresses as envelopes carry them: RFC 5321 4.1.2 paths and RFC 5322
 * 3.4 address lists, quoted local parts, address literals, and UTF-8 (RFC
 * 6531) when allowed.  Parsers do no I/O and allocate nothing but lists.
 */
#ifndef MAIL_ADDRESS_H
#define MAIL_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/slice.h"

/*
 * RFC 5321 4.5.3.1.1 asks every server to take 64 octets and forbids none;
 * bounce addresses of mailing services (VERP, SRS) are often longer, and
 * refusing them would lose their letters.
 */
#define ADDRESS_LOCAL_MAX	255	/* octets: still a file name */
#define ADDRESS_DOMAIN_MAX	255	/* octets, RFC 5321 4.5.3.1.2 */
/* Canonical text: the local part may be quoted and escaped. */
#define ADDRESS_MAX		(2 * ADDRESS_LOCAL_MAX + 3 + ADDRESS_DOMAIN_MAX)

struct address {
	char	 text[ADDRESS_MAX + 1];	/* canonical: local part quoted only
					 * when it must be, domain in lower
					 * case; "" is the null path */
	char	 local[ADDRESS_LOCAL_MAX + 1];	/* unquoted, case kept */
	char	 domain[ADDRESS_DOMAIN_MAX + 1]; /* lower case, "" when none;
						  * a literal keeps brackets */
	bool	 literal;		/* domain is "[...]" */
	bool	 utf8;			/* some octet is not ASCII */
};

enum address_flags {
	ADDRESS_NULL = 1,	/* "<>" is fine (MAIL FROM) */
	ADDRESS_POSTMASTER = 2,	/* "<postmaster>" without domain (RCPT TO) */
	ADDRESS_UTF8 = 4,	/* SMTPUTF8 was asked for */
	ADDRESS_LENIENT = 8,	/* no angle brackets needed, unqualified local
				 * parts accepted: local submission, files */
};

enum address_status {
	ADDRESS_OK,
	ADDRESS_SYNTAX,		/* 501 5.1.3 or 5.1.7 */
	ADDRESS_LONG,		/* a part over its limit */
	ADDRESS_NEEDS_UTF8	/* 553 5.6.7: UTF-8 without the flag */
};

/*
 * Domains: letters, digits, hyphens (RFC 5321 4.1.2), and underscores, which
 * real host names have; U-labels must be valid by IDNA 2008 and stay UTF-8.
 * Literals: IPv4 and IPv6 (RFC 5321 4.1.3), no other tag is registered.  An
 * empty local part ("\"\"") is refused: it is nobody's name.
 *
 * Parse a path at the start of s, source routes (RFC 5321 4.1.1.2) skipped.
 * *used: octets of s that it took, so ESMTP parameters may follow.  On error
 * *out is the null path.
 */
enum address_status	 address_parse_path(struct slice s, int flags,
			    struct address *out, size_t *used);
/* A whole string that is one bare address ("local@domain"). */
enum address_status	 address_parse(struct slice s, int flags,
			    struct address *out);
/*
 * From parts not yet checked: local without quotes, domain "" when there is
 * none (LENIENT, POSTMASTER).  ADDRESS_LONG, _SYNTAX, _NEEDS_UTF8 as above.
 */
enum address_status	 address_check(struct slice local, struct slice domain,
			    int flags, struct address *out);
/*
 * Build the canonical text from parts already checked; two empty parts make
 * the null path.  They may not lie in *out, which is emptied first.  0, or -1
 * with errno EINVAL (no local part) or EMSGSIZE.
 */
int	 address_make(const char *local, const char *domain,
	    struct address *out);
/* Is s a valid domain or address literal (HELO's argument too)? */
bool	 address_is_domain(struct slice s, bool utf8);
bool	 address_is_literal(struct slice s);
/*
 * The domain in lower case with A-labels for U-labels (RFC 5890 2.3.2.1), so
 * that both forms of a name compare equal; a literal stays.  0, or -1 with
 * errno EINVAL: no valid domain.
 */
int	 address_domain_ascii(const char *domain,
	    char out[ADDRESS_DOMAIN_MAX + 1]);

/*
 * An address's canonical text for hosts without SMTPUTF8: its domain has
 * A-labels.  False, and out is as text, when the local part has UTF-8.
 */
bool	 address_to_ascii(const char *text, char out[ADDRESS_MAX + 1]);

/*
 * Each address of an RFC 5322 address-list (To, Cc, From: groups, comments,
 * display names, folded lines).  fn gets each and returns 0 to go on.  0; -1
 * with errno EINVAL at a syntax error (those before it were seen); else
 * what fn returned.
 */
int	 address_list(struct slice header_value, int flags,
	    int (*fn)(const struct address *, void *arg), void *arg);

#endif
