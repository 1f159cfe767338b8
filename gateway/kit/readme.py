"""What a kit says of itself to the person who opens the stick."""

TEXT = """飞行检查包 · The kit of an unannounced check
================================================

由区里制作，带到诊所现场，不需要网络。 Made at the district, to be used at a clinic without any network.

1. 先验这个包 · first verify this kit
   用区里另外告知的公钥（不是包里的 pub.pem）：with the district's public key as told on another way, not with pub.pem in here:

       openssl dgst -sha256 -verify district.pem -signature kit.sig kit.json
       wattwitness check PACK.zip --kit . --district-key district.pem

   kit.json 列出其余每个文件的 SHA-256。 kit.json lists the SHA-256 of every other file.

2. 到场先走一圈 · on site go round first
   spot-check.pdf：逐台看，不看屏幕。 device by device, before looking at any screen.

3. 请诊所当场做证据包 · have the clinic make its evidence pack on the spot

       wattwitness pack --from DATE --to DATE --out pack.zip

4. 用自己带来的程序核对 · hold it against this kit with the program that you brought

       wattwitness check pack.zip --kit . --district-key district.pem
       python3 verify.py pack.zip --kit .
       （没有 Python：用浏览器打开 verify.html · without Python: open verify.html in a browser）

   网关扣下或改过的会逐条列出；“说明”是目前看来正常的差异，例如断网期间还没有转到区里的记录。
   What the gateway withholds or changed is named; notes are differences that look in order, such as records that were not sent
   to the district yet because the line was down.

5. 抽查的收费行 · the lines that were drawn
   draw.json：种子、名单的哈希、抽中的行。谁都能重算 · seed, hash of the names, what was drawn; anybody can repeat it:

       SEED=...  KIND=platform  N=20        # seed, kind and n of draw.json
       while IFS= read -r name; do
         printf '%s  %s\\n' "$(printf '%s\\n%s\\n%s' "$SEED" "$KIND" "$name" | sha256sum | cut -c1-64)" "$name"
       done < population.txt | LC_ALL=C sort | head -n "$N"

通电不能证明治疗过患者；差异不是认定违规。 Power does not prove that a patient was treated; a difference accuses nobody.
"""
