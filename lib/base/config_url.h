/* The addresses of web servers that secrets are sent to. */
#ifndef BASE_CONFIG_URL_H
#define BASE_CONFIG_URL_H

/*
 * NULL when it is "https://HOST[:PORT][/PATH][?QUERY]" in printable ASCII, or
 * the same with "http:" and a host of this machine (localhost, 127.x.x.x,
 * [::1]); else why not, static.  No user, no fragment.
 */
const char	*config_url_wrong(const char *url);

#endif
