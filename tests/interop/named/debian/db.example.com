$ORIGIN example.com.
$TTL 1h
@	IN	SOA	ns1 hostmaster ( 2026010100 2h 15m 1w 5m )
	IN	NS	ns1
	IN	NS	ns2
	IN	MX	10 mail
	IN	TXT	"v=spf1 mx -all"
ns1	IN	A	192.0.2.1
ns2	IN	A	192.0.2.2
mail	IN	A	192.0.2.25
www	IN	A	192.0.2.80
	IN	AAAA	2001:db8::80
ftp	IN	CNAME	www
*.apps	IN	A	192.0.2.90
intern	IN	NS	ns1
