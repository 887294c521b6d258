/*
 * Passwords as SCRAM's clients prepare them (RFC 5802 5.1, SASLprep of RFC
 * 4013): other blanks become the ordinary one, what is invisible goes, then
 * Unicode's NFKC.  Without it an "u" with dots typed on one keyboard is not
 * that of another.  What SASLprep forbids is left as it is: such a password
 * works with clients that are as lenient.
 */
#ifndef STORE_SCRAM_PREP_H
#define STORE_SCRAM_PREP_H

/*
 * The prepared password, for scram_prep_free().  What is no UTF-8 stays octet
 * for octet.
 */
char	*scram_prep(const char *password);
/* Wipes. */
void	 scram_prep_free(char *);

#endif
