/*
 * Passwords as SCRAM's clients prepare them (RFC 5802 5.1), and names as SASL's
 * servers do: SASLprep (RFC 4013).  Other blanks become the ordinary one, what
 * is invisible goes, then Unicode's NFKC.  Without it an "u" with dots typed on
 * one keyboard is not that of another.
 *
 * What SASLprep forbids is left as it is: such a password works with clients
 * that are as lenient, and names are looked at by sasl_name.h.
 */
#ifndef BASE_SASLPREP_H
#define BASE_SASLPREP_H

/*
 * The prepared text, for saslprep_free().  What is no UTF-8 stays octet for
 * octet.
 */
char	*saslprep(const char *text);
/* Wipes. */
void	 saslprep_free(char *);

#endif
